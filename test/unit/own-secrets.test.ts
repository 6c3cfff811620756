// What a comment on a pull request leaves out of another program's words.
import { expect, test } from "vitest";
import { withoutOwnSecrets } from "../../cli/own-secrets.ts";

test.each([
  ["PULUMI_CONFIG_PASSPHRASE", "swordfish", true],
  ["PULUMI_ACCESS_TOKEN", "pul-0123456789", true],
  ["AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG", true],
  ["SILVER_COMMENT_TOKEN", "glpat-0123456", true],
  ["DB_PASSWORD", "correct horse", true],
  ["ENVIRONMENT", "production", false],
  ["MONKEYS", "chimpanzee", false],
  ["SHORT_TOKEN", "a", false],
])("the value of %s, %s, is left out: %s", (name, value, isHidden) => {
  const said = `error: ${value} is wrong (${value})`;
  expect(withoutOwnSecrets(said, { [name]: value })).toBe(isHidden ? "error: [secret] is wrong ([secret])" : said);
});

test("so is each line of a longer value, a value within a longer one, and who logs in to an address", () => {
  const variables = { SSH_KEY: "-----BEGIN\nb3BlbnNzaC1rZXk\n", A_TOKEN: "abcdefgh", B_TOKEN: "abcdefghij" };
  expect(withoutOwnSecrets("b3BlbnNzaC1rZXk, abcdefghij", variables)).toBe("[secret], [secret]");
  expect(withoutOwnSecrets("open postgres://me:pw@db.acme.net/x and s3://states?region=x", {})).toBe(
    "open postgres://[secret]@db.acme.net/x and s3://states?region=x",
  );
});
