import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "src/api/schema.ts"] },
  js.configs.recommended,
  {
    files: ["src/**/*.ts", "src/**/*.tsx"],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: "./tsconfig.json" } },
    rules: {
      // What a node or a plan says is text, never markup. The docs' own words are the one exception, in parts/word.tsx.
      "no-restricted-syntax": [
        "error",
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "text of nodes and plans is never markup" },
        { selector: "MemberExpression[property.name=/^(innerHTML|outerHTML)$/]", message: "text of nodes and plans is never markup" },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      eqeqeq: "error",
    },
  },
  // The test runner's `describe` and `test` return promises that it awaits by itself.
  { files: ["src/**/*.test.ts", "src/**/*.test.tsx"], rules: { "@typescript-eslint/no-floating-promises": "off" } },
  {
    files: ["scripts/**/*.mjs", "e2e/**/*.mjs", "*.js"],
    languageOptions: { globals: { process: "readonly", console: "readonly", setTimeout: "readonly", URL: "readonly", fetch: "readonly", Buffer: "readonly", document: "readonly", requestAnimationFrame: "readonly" } },
  },
);
