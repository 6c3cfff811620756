import type { CodeEntry } from "../text/code.ts";

const BLOG = `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`;

/** Codes for errors in an app's files, or in the libraries it lists. */
export const bundleCodes = {
  "bad-requirement": {
    rule: "A line of requirements.txt is name[extras]==version, perhaps ; and a marker, and its hashes.",
    example: { "dev.yaml": BLOG, "requirements.txt": `flask 3.1.0 --hash=sha256:${"a".repeat(64)}\n` },
    fix: "List the libraries in requirements.in, and generate the file: silver lock blog.",
  },
  "dangling-link": {
    rule: "What a symbolic link of an app points to exists.",
    example: { "dev.yaml": BLOG, "static/logo.png": { linkTo: "nowhere.png" } },
    fix: "Delete the link, or add what it points to.",
  },
  "file-name": {
    rule: "Names of an app's files are valid UTF-8 without control characters, and differ even where case is ignored.",
    example: { "dev.yaml": BLOG, "static/Logo.png": "", "static/logo.png": "" },
    fix: "Rename the file.",
  },
  "requirement-option": {
    rule: "A requirements.txt contains released libraries and their hashes only: no other files, no places, no indexes.",
    example: { "dev.yaml": BLOG, "requirements.txt": "--extra-index-url https://pypi.acme.net/simple\n-e ./shared\n" },
    fix: "Write each library with version and hashes, or vendor it into lib/python; the machine that deploys decides which index is used.",
  },
  "special-file": {
    rule: "An app contains files, directories and links: no sockets, pipes or devices, and is not a virtual environment of Python itself.",
    example: {},
    fix: "Delete it, or keep it outside the app.",
  },
  "unhashed-requirement": {
    rule: "Each library has the SHA-256 of every file that may be installed for it.",
    example: { "dev.yaml": BLOG, "requirements.txt": "flask==3.1.0\n" },
    fix: "List the libraries in requirements.in, and generate the file: silver lock blog.",
  },
  "unpinned-requirement": {
    rule: "Each library is pinned to one version by ==.",
    example: { "dev.yaml": BLOG, "requirements.txt": `flask>=3 --hash=sha256:${"a".repeat(64)}\n` },
    fix: "List the libraries in requirements.in, and generate the file: silver lock blog.",
  },
  unreadable: {
    rule: "The user who deploys can read every file of an app.",
    example: {},
    fix: "Change the file's owner or mode.",
  },
} as const satisfies Record<string, CodeEntry>;

type Entries = typeof bundleCodes;

declare module "../text/code.ts" {
  interface Codes extends Entries {}
}
