/**
 * Imported before the SDK. Disables what the SDK does for other kinds of programs, and what would slow down every start of this one:
 * - it asks for a stack trace with every promise, and maps each frame of it through source maps. Node strips types in place, so that lines
 *   and columns are right without one: the mapping goes, the traces stay.
 * - it loads TypeScript's compiler and npm's dependency resolver, by which it packs functions that run in the cloud. Each is loaded when
 *   somebody asks it for something.
 */
import { createRequire, Module } from "node:module";

Reflect.deleteProperty(Error, "prepareStackTrace");

const own = createRequire(import.meta.url);
const sdk = createRequire(own.resolve("@pulumi/pulumi"));
loadLater("@npmcli/arborist");
loadLater("./typescript-shim.js");

function loadLater(name: string): void {
  const file = sdk.resolve(name);
  let loaded: object | undefined;
  const load = (): object => {
    if (loaded !== undefined) return loaded;
    own.cache[file] = undefined;
    return (loaded = sdk(file) as object);
  };
  // Without that mark, the SDK's own modules would copy everything from it at once.
  const exports = new Proxy(
    { __esModule: true },
    { get: (mark, key) => Reflect.get(key in mark ? mark : load(), key) as unknown },
  );
  own.cache[file] ??= Object.assign(new Module(file), { filename: file, loaded: true, exports });
}
