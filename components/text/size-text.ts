/** Bytes as people write them in a manifest, exactly: `400M`, `2G`, `64K`. */
export function sizeText(bytes: number): string {
  const units = [
    ["T", 1024 ** 4],
    ["G", 1024 ** 3],
    ["M", 1024 ** 2],
    ["K", 1024],
  ] as const;
  const [unit, size] = units.find(([, each]) => bytes >= each && bytes % each === 0) ?? ["", 1];
  return `${bytes / size}${unit}`;
}
