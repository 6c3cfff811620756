"""What is not named here is as Django has it. There is no database: all is in Redis."""

import os
from pathlib import Path

# The site's own, made on its node; after a rotation what the one before has signed is still taken.
own = Path(os.environ["SILVER_SECRET_FILE"])
SECRET_KEY, *SECRET_KEY_FALLBACKS = [file.read_text() for file in (own, Path(f"{own}.previous")) if file.exists()]
# Varnish lets in only what is asked of the site's locations.
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "factors.urls"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [Path(__file__).parent / "templates"]}]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": os.environ["CONFIG_REDIS_URL"]}}
# Where files of static/ are: at the site's root, also below a mount.
STATIC_URL = os.environ.get("STATIC_URL", "/")
