/** Id of the bundle in a release's id, `<bundle>.<8 hex>`. */
export function bundleOf(release: string): string {
  return release.slice(0, release.lastIndexOf("."));
}
