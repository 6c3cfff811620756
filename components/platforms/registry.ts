import { php } from "./php.ts";
import type { Declared, Platform } from "./platform.ts";
import { python } from "./python.ts";
import { staticPlatform } from "./static.ts";

const known = { python, php, static: staticPlatform };

export type PlatformName = keyof typeof known;

/** Every platform by its name in manifests. */
export const platforms: Record<PlatformName, Platform> = known;

export const platformNames = Object.keys(known) as [PlatformName, ...PlatformName[]];

/** All platforms' keys of a manifest. */
export const platformKeys = { ...python.keys, ...php.keys, ...staticPlatform.keys };

/** How an app is run: by its manifest, or else judged from its code. */
export function platformOf(declared: Declared): PlatformName {
  const named = platformNames.find((name) => name === declared.platform);
  return named ?? platformNames.find((name) => platforms[name].detect?.(declared) === true) ?? "python";
}

/** Keys that name what is run; one is required. */
export const runningKeys = [...new Set(platformNames.flatMap((name) => platforms[name].needs))];

/** Platforms that run nothing: their apps need none of those keys. */
export const idlePlatforms = platformNames.filter((name) => platforms[name].needs.length === 0);
