import type { Answer } from "../node/contract.ts";

/** What a release answered, for people: of equal answers the first, and how many more there are. */
export function answersText(answers: readonly Answer[]): string {
  const alike = Map.groupBy(
    answers,
    ({ status, redirect }) => `${status ?? "nothing"}${redirect === null ? "" : `, to ${redirect}`}`,
  );
  return [...alike]
    .map(([said, [first, ...others]]) => {
      const more = others.length === 0 ? "" : `, and at ${others.length} more ${others.length === 1 ? "location" : "locations"}`;
      return `${first?.url ?? ""} answered ${said}${more}`;
    })
    .join("; ");
}
