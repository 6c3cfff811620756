import fc from "fast-check";
import { expect, test } from "vitest";
import { imageCommand, imageName, imageRecipe } from "../../components/machines/image-recipe.ts";
import { systemNames } from "../../components/systems/systems.ts";

test("the name of an image tells system, architecture and recipe, and is the same at any time", () => {
  const recipe = imageRecipe("debian-12", "amd64");
  expect(imageName(recipe, "amd64")).toMatch(/^debian-12-amd64-[0-9a-f]{12}$/);
  expect(imageName(imageRecipe("debian-12", "amd64"), "amd64")).toBe(imageName(recipe, "amd64"));
  expect(imageName({ ...recipe, packages: [...recipe.packages, "vim"] }, "amd64")).not.toBe(imageName(recipe, "amd64"));
  const names = systemNames.flatMap((os) => ["amd64", "arm64"].map((machine) => imageName(imageRecipe(os, machine), machine)));
  expect(new Set(names).size).toBe(names.length);
});

test("prepared packages make an image of their own, whatever their order", () => {
  const recipe = imageRecipe("debian-13", "amd64");
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{2,8}$/), { minLength: 1 }), (prepared) => {
      const name = imageName(recipe, "amd64", prepared);
      expect(imageName(recipe, "amd64", prepared.toReversed())).toBe(name);
      expect(name).not.toBe(imageName(recipe, "amd64"));
    }),
  );
});

test("an image is built from the system's archives, their updates and their security fixes, verified by their keyring", () => {
  const command = imageCommand(imageRecipe("debian-13", "amd64"), "amd64", "/keys.gpg", "/image.tar", ['Acquire::Retries "3";']);
  expect(command.slice(0, 6)).toEqual([
    "mmdebstrap",
    "--mode=root",
    "--variant=minbase",
    "--format=tar",
    "--architectures=amd64",
    "--keyring=/keys.gpg",
  ]);
  expect(command).toContain('--aptopt=Acquire::Retries "3";');
  expect(command.slice(-5)).toEqual([
    "trixie",
    "/image.tar",
    "deb http://deb.debian.org/debian trixie main",
    "deb http://deb.debian.org/debian trixie-updates main",
    "deb http://security.debian.org/debian-security trixie-security main",
  ]);
});

test("other architectures of Ubuntu come from its ports", () => {
  expect(imageRecipe("ubuntu-24.04", "amd64").sources[0]).toBe("deb http://archive.ubuntu.com/ubuntu noble main universe");
  expect(imageRecipe("ubuntu-26.04", "arm64").sources[2]).toBe(
    "deb http://ports.ubuntu.com/ubuntu-ports resolute-security main universe",
  );
});
