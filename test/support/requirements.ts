/** Versions of small wheels of PyPI, with the hashes of those that the Pythons of all systems on x86_64 take. */
const hashes = {
  // Compiled: one file for each Python, from 3.11 to 3.14.
  "markupsafe==3.0.3": [
    "0bf2a864d67e76e5c9a34dc26ec616a66b9888e25e7b9460e1c76d3293bd9dbf",
    "d6dd0be5b5b189d31db7cda48b91d7e0a9795f31430b7f271219ab30f1d3ac9d",
    "ccfcd093f13f0f0b7fdd0f198b90053bf7b2f02a3927a30e63f3ccc9df56b676",
    "457a69a9577064c05a97c41f4e65148652db078a3a509039e64d3467b9e7ef97",
  ],
  // Pure.
  "six==1.16.0": ["8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"],
  "six==1.17.0": ["4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"],
  // Pure, with a .pth file that makes its namespace.
  "sphinxcontrib-jsmath==1.0.1": ["2ec2eaebfb78f3f2078e73666b1415417a116cc848b72e5172e596c871103178"],
  // For Windows alone.
  "pywin32==308": ["1".repeat(64)],
} as const;

/** A requirements.txt of some of them. */
export function requirements(...wanted: (keyof typeof hashes)[]): string {
  return wanted.map((name) => [name, ...hashes[name].map((hash) => `    --hash=sha256:${hash}`)].join(" \\\n") + "\n").join("");
}
