/** Called with a progress line for people: `  … ` what is being done, `✓ ` what was done and how long it took. */
export type Progress = (line: string) => void;

/** `· 12 s`, counted from `startMilliseconds` (of Date.now()). */
export function secondsSince(startMilliseconds: number): string {
  return `· ${Math.round((Date.now() - startMilliseconds) / 1000)} s`;
}
