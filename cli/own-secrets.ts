/** Names of variables whose values are nobody else's business. */
const secretName = /PASS(?:PHRASE|WORD|WD)?(?:_|$)|SECRET|TOKEN|CREDENTIAL|(?:^|_)KEY(?:_|$)/i;

/** Shorter values are not secret, and part of many words. */
const shortest = 6;

/**
 * A text of another program, which is shown on a pull request, without what this process was given in secret: values of such
 * variables, and user and password of an address.
 */
export function withoutOwnSecrets(text: string, variables: NodeJS.ProcessEnv = process.env): string {
  const values = Object.entries(variables)
    .flatMap(([name, value = ""]) => (secretName.test(name) ? [value, ...value.split("\n")] : []))
    .map((value) => value.trim())
    .filter((value) => value.length >= shortest)
    .sort((one, other) => other.length - one.length);
  const hidden = values.reduce((shown, value) => shown.replaceAll(value, "[secret]"), text);
  return hidden.replace(/(\w:\/\/)[^\s/@]+@/g, "$1[secret]@");
}
