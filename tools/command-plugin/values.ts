/**
 * Property values as they travel between engine and plugin: plain JSON, where an object with the key `signatureKey` stands
 * for something JSON has no word for. Kept in that form, a value returns unchanged, with all its marks.
 * Source of the signatures: pulumi/pulumi, sdk/go/common/resource/sig and plugin/rpc.go.
 */
import struct from "google-protobuf/google/protobuf/struct_pb.js";

export type Value = null | boolean | number | string | Value[] | PropertyMap;

export interface PropertyMap {
  [name: string]: Value;
}

export const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** A value that is not known before the update runs. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export const isMap = (value: Value | undefined): value is PropertyMap =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(signatureKey in value);

export const isSecret = (value: Value | undefined): value is { value: Value } => hasSignature(value, secretSignature);

/** Is it unknown, also when it is a secret besides? */
export const isUnknown = (value: Value | undefined): boolean =>
  value === unknown ||
  (hasSignature(value, outputSignature) && !("value" in value)) ||
  (isSecret(value) && isUnknown(value.value));

function hasSignature(value: Value | undefined, signature: string): value is PropertyMap {
  return typeof value === "object" && value !== null && !Array.isArray(value) && value[signatureKey] === signature;
}

/** Marks a value as secret; one that is already secret stays as it is. */
export const secret = (value: Value): Value => (isSecret(value) ? value : { [signatureKey]: secretSignature, value });

/** Changes what is below a secret's mark and keeps the mark. */
export const underMark = (value: Value, change: (bare: Value) => Value): Value =>
  isSecret(value) ? secret(underMark(value.value, change)) : change(value);

/** The value without any mark, all the way down: what a command is run with. */
export function bare(value: Value): Value {
  if (isSecret(value)) return bare(value.value);
  if (hasSignature(value, outputSignature)) return bare(value.value ?? unknown);
  if (Array.isArray(value)) return value.map(bare);
  if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, bare(inner)]));
  return value;
}

/** A message's property map; null counts as absent. */
export const readStruct = (message: struct.Struct | undefined): PropertyMap =>
  message === undefined ? {} : (withoutNulls(message.toJavaScript()) as PropertyMap);

export const writeStruct = (map: PropertyMap): struct.Struct => struct.Struct.fromJavaScript(map);

function withoutNulls(value: Value): Value {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutNulls(inner)]));
}

/** Equal in every mark and every leaf. */
export function equal(one: Value, other: Value): boolean {
  if (Array.isArray(one) || Array.isArray(other)) {
    return (
      Array.isArray(one) &&
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((value, index) => equal(value, other[index] ?? null))
    );
  }
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => name in other && equal(one[name] ?? null, other[name] ?? null))
  );
}
