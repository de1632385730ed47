// Bundles the page: node build.mjs FOLDER. Called by the root crate's build.rs and by `npm run build`.
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const out = process.argv[2];
if (!out) throw new Error("usage: node build.mjs FOLDER");
await mkdir(out, { recursive: true });
await build({
  entryPoints: ["src/main.ts"],
  outfile: join(out, "main.js"),
  bundle: true,
  format: "esm",
  target: ["chrome120"],
  minify: true,
  legalComments: "none",
  logLevel: "warning",
});
for (const file of ["index.html", "style.css", "icon.svg"]) await copyFile(file, join(out, file));
