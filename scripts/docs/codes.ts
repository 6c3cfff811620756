import { bundleCodes } from "../../components/bundle/codes.ts";
import { environmentCodes } from "../../components/environment/codes.ts";
import { manifestCodes } from "../../components/manifest/codes.ts";
import { iniCodes } from "../../components/manifest/ini/codes.ts";
import { platformCodes } from "../../components/platforms/codes.ts";
import { planCodes } from "../../components/plan/codes.ts";
import type { Code, CodeEntry } from "../../components/text/code.ts";
import { textCodes } from "../../components/text/codes.ts";

/** Every code of every room. docs/errors.md is generated from it, and a test produces each code from its example. */
export const codes: Record<Code, CodeEntry> = {
  ...textCodes,
  ...platformCodes,
  ...manifestCodes,
  ...iniCodes,
  ...environmentCodes,
  ...bundleCodes,
  ...planCodes,
};
