import js from "@eslint/js";
import tseslint from "typescript-eslint";

// The layers of components/, in the order in which data passes them: a layer imports only from those before it.
const layers = [
  "text",
  "systems",
  "services",
  "platforms",
  "manifest",
  "environment",
  "bundle",
  "plan",
  "render",
  "node",
  "rollout",
  "machines",
  "resources",
];

/** Forbids folder `layer` to import what stands after it, and Pulumi outside of `resources`. */
const layerRule = (layer, index) => ({
  files: [`components/${layer}/**/*.ts`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          ...layers.slice(index + 1).map((later) => ({
            group: [`**/${later}/*`],
            message: `components/${layer} stands before components/${later}: a layer imports only from layers before it.`,
          })),
          {
            group: ["**/stacks/*", "**/cli/*", "**/test/*", "**/bench/*"],
            message: "components/ imports only from components/.",
          },
          ...(layer === "resources"
            ? []
            : [{ group: ["@pulumi/*"], message: "Pulumi lives only in components/resources/ and stacks/." }]),
        ],
      },
    ],
  },
});

export default tseslint.config(
  { ignores: ["node_modules/", ".silver/", "docs/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-definitions": ["error", "interface"],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      eqeqeq: "error",
      // Each room adds its codes to the interface Codes so.
      "@typescript-eslint/no-empty-object-type": ["error", { allowInterfaces: "with-single-extends" }],
    },
  },
  { files: ["test/**/*.ts", "bench/**/*.ts"], rules: { "max-lines": "off" } },
  {
    files: ["test/unit/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        { name: "node:child_process", message: "A test that starts a process stands in test/process." },
      ],
    },
  },
  ...layers.map(layerRule),
);
