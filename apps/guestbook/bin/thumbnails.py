"""Makes a thumbnail of each picture, beside the requests: until then a picture is shown as it was sent."""

import errno
import io
import time
import warnings

from PIL import Image, ImageOps

from guestbook import pictures

# For a page that shows them some 650 wide, also on fine screens.
SIDE = 1000

# Few bytes can stand for so many pixels that they fill the memory of whoever decodes them.
Image.MAX_IMAGE_PIXELS = 24_000_000
warnings.simplefilter("error", Image.DecompressionBombWarning)


def main():
    given_up = set()
    # It may be ended at any moment: a thumbnail is there as a whole or not at all, and the next one begins where this ended.
    while True:
        for name in pictures.without_thumbnail():
            if name not in given_up and not make(name):
                given_up.add(name)
        time.sleep(1)


def make(name):
    """Whether to try again where there is none afterwards."""
    try:
        content = smaller(pictures.path(name))
    except FileNotFoundError:
        return True
    except Exception as error:  # noqa: BLE001 - what strangers send breaks decoders in ways of all kinds
        print(f"There is no thumbnail of {name}: {error}", flush=True)
        return False
    try:
        pictures.keep_thumbnail(name, content)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        # No hurry: room comes from a larger quota, or from somebody who deletes.
        time.sleep(10)
    return True


def smaller(path):
    written = io.BytesIO()
    with Image.open(path) as image:
        # Of a large JPEG no more is decoded than this needs.
        image.draft("RGB", (SIDE, SIDE))
        see_through = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
        picture = image.convert("RGBA" if see_through else "RGB")
    picture.thumbnail((SIDE, SIDE))
    ImageOps.exif_transpose(picture).save(written, "WEBP")
    return written.getvalue()


if __name__ == "__main__":
    main()
