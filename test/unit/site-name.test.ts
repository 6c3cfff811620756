import fc from "fast-check";
import { expect, test } from "vitest";
import { siteUnit } from "../../components/plan/site-name.ts";
import { unitRoles, type UnitRole } from "../../components/platforms/platform.ts";

const roles = [...(Object.keys(unitRoles) as UnitRole[]), "check"] as const;
/** Sites and units' own names that look like a role, or like a name with one. */
const word = fc.constantFrom("x", ...roles, "retire").chain((one) => fc.constantFrom(one, `${one}-x`, `x-${one}`));
const unit = fc.tuple(word, fc.constantFrom(...roles), fc.option(word, { nil: undefined }));

test("units of two sites, or of two roles, never have one name", () => {
  fc.assert(
    fc.property(unit, unit, (one, other) => {
      expect(siteUnit(...one) === siteUnit(...other)).toBe(JSON.stringify(one) === JSON.stringify(other));
    }),
  );
});

test("the role stands first, and the name of one of several last", () => {
  expect(siteUnit("php-x", "web")).toBe("silver-web-php-x");
  expect(siteUnit("blog", "web", "mail")).toBe("silver-web-blog.mail");
});
