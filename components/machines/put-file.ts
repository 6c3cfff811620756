import { chmod, mkdir, writeFile } from "node:fs/promises";

/**
 * Writes a file of a node with the mode that is said: what the umask of the person at this computer leaves of it is for that
 * person's own files. Every user of the node reads most of these.
 * @param mode default: everybody reads it
 */
export async function putFile(path: string, text: string, mode = 0o644): Promise<void> {
  await writeFile(path, text, { mode });
  await chmod(path, mode);
}

/** Makes a directory of a node, and those above it, with the mode that is said for it. */
export async function putDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, mode);
}
