/**
 * Imported before the SDK. What the SDK does for programs of another kind, and this one would wait for at each start:
 * - it asks for a stack trace with every promise, and maps each frame of it through source maps. Node strips types in place, so that lines
 *   and columns are right without one: the mapping goes, the traces stay.
 * - it loads npm's dependency resolver, with which it packs functions that run in the cloud. It is loaded when somebody asks for it.
 */
import { createRequire, Module } from "node:module";

Reflect.deleteProperty(Error, "prepareStackTrace");

const own = createRequire(import.meta.url);
const sdk = createRequire(own.resolve("@pulumi/pulumi"));
const resolver = sdk.resolve("@npmcli/arborist");
const later = Object.defineProperty({ __esModule: true }, "Arborist", {
  get: () => {
    own.cache[resolver] = undefined;
    return (sdk(resolver) as { Arborist: unknown }).Arborist;
  },
});
own.cache[resolver] ??= Object.assign(new Module(resolver), { filename: resolver, loaded: true, exports: later });
