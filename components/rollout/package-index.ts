import { run } from "./run.ts";

/**
 * Variables that make uv use the package index that its user has configured: by uv's own variables and files, or else by pip's,
 * which uv does not read. Passes only those of uv's variables that say where and how to download, because the requirements alone
 * must decide what is installed.
 * @param directory where nothing is: pip would run a `pip.py` of it
 */
export async function indexEnvironment(directory: string, signal: AbortSignal): Promise<NodeJS.ProcessEnv> {
  const { stdout } = await run(["python3", "-m", "pip", "config", "list"], { directory, environment: process.env, signal });
  return mergeIndex(process.env, stdout);
}

/** @param pip what `pip config list` prints: `global.index-url='https://…'`, with `:env:.` before a variable's value */
export function mergeIndex(environment: NodeJS.ProcessEnv, pip: string): NodeJS.ProcessEnv {
  const own = Object.entries(environment).filter(([name]) => !name.startsWith("UV_") || passes.test(name));
  const merged: NodeJS.ProcessEnv = Object.fromEntries(own);
  const settings = pipSettings(pip);
  const give = (name: string, value: string | undefined): void => {
    if (value !== undefined && value.trim() !== "") merged[name] ??= value;
  };
  if (!own.some(([name]) => /^UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL)$/.test(name))) {
    give("UV_DEFAULT_INDEX", settings.get("index-url"));
    give("UV_INDEX", words(settings.get("extra-index-url")));
  }
  give("UV_FIND_LINKS", words(settings.get("find-links"))?.replaceAll(" ", ","));
  give("UV_INSECURE_HOST", words(settings.get("trusted-host")));
  give("SSL_CERT_FILE", settings.get("cert"));
  return merged;
}

const passes =
  /^UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|INDEX_\w+_(USERNAME|PASSWORD)|FIND_LINKS|INSECURE_HOST|KEYRING_PROVIDER|NATIVE_TLS|SYSTEM_CERTS|OFFLINE|CACHE_DIR|CONFIG_FILE|HTTP_\w+)$/;

/** A variable overrides a command's section, which overrides the global one. */
function pipSettings(text: string): Map<string, string> {
  const settings = new Map<string, string>();
  for (const section of ["global", "install", ":env:"]) {
    for (const line of text.split("\n")) {
      const [, found, name = "", value] = /^(global|install|:env:)\.([a-z-]+)=(.*)$/.exec(line) ?? [];
      if (found === section && value !== undefined) settings.set(name, unquote(value));
    }
  }
  return settings;
}

/** Reads Python's `repr` of a text, as far as URLs and paths need it. */
const unquote = (text: string): string =>
  text
    .replace(/^(['"])(.*)\1$/, "$2")
    .replace(/\\n/g, " ")
    .replace(/\\(.)/g, "$1");

const words = (text: string | undefined): string | undefined => text?.trim().split(/\s+/).join(" ");
