/** Versions of small wheels of PyPI, with the hashes of those that Debian 12 and 13 on x86_64 take. */
const hashes = {
  // Compiled: one file for each Python.
  "markupsafe==3.0.1": [
    "244dbe463d5fb6d7ce161301a03a6fe744dac9072328ba9fc82289238582697b",
    "c97ff7fedf56d86bae92fa0a646ce1a0ec7509a7578e1ed238731ba13aabcd1c",
  ],
  "markupsafe==3.0.2": [
    "a123e330ef0853c6e822384873bef7507557d8e4a082961e1defa947aa59ba84",
    "15ab75ef81add55874e7ab7055e9c397312385bd9ced94920f2802310c930396",
  ],
  // Pure.
  "six==1.16.0": ["8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"],
  // Pure, with a .pth file that makes its namespace.
  "sphinxcontrib-jsmath==1.0.1": ["2ec2eaebfb78f3f2078e73666b1415417a116cc848b72e5172e596c871103178"],
  // For Windows alone.
  "pywin32==308": ["1".repeat(64)],
} as const;

/** A requirements.txt of some of them. */
export function requirements(...wanted: (keyof typeof hashes)[]): string {
  return wanted.map((name) => [name, ...hashes[name].map((hash) => `    --hash=sha256:${hash}`)].join(" \\\n") + "\n").join("");
}
