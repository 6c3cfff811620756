/** The parts of a runner: its file, and what of the file is run, `application` or `main` where the manifest names nothing. */
export function runnerOf(runner: string): { file: string; name: string } {
  const [file = "", name] = runner.split("#");
  return { file, name: name ?? (file.endsWith(".ini") ? "main" : "application") };
}
