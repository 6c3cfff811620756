import { php } from "./php.ts";
import type { Declared, Platform } from "./platform.ts";
import { python } from "./python.ts";
import { staticPlatform } from "./static.ts";

const known = { python, php, static: staticPlatform };

export type PlatformName = keyof typeof known;

/** Every platform by the name that a manifest gives it. */
export const platforms: Record<PlatformName, Platform> = known;

export const platformNames = Object.keys(known) as [PlatformName, ...PlatformName[]];

/** The keys of a manifest that one platform or another brings. */
export const platformKeys = { ...python.keys, ...php.keys, ...staticPlatform.keys };

/** How an app is run: as its manifest says, or else as its code shows. */
export function platformOf(declared: Declared): PlatformName {
  const named = platformNames.find((name) => name === declared.platform);
  return named ?? platformNames.find((name) => platforms[name].detect?.(declared) === true) ?? "python";
}

/** Keys of which one tells what is run. */
export const runningKeys = [...new Set(platformNames.flatMap((name) => platforms[name].needs))];

/** Platforms that run nothing: their apps need none of these keys. */
export const idlePlatforms = platformNames.filter((name) => platforms[name].needs.length === 0);
