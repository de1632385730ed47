// Bundles the page: node build.mjs FOLDER. Called by the root crate's build.rs and by `npm run build`.
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const out = process.argv[2];
if (!out) throw new Error("usage: node build.mjs FOLDER");
await mkdir(out, { recursive: true });
const { metafile } = await build({
  // The audio thread and the worker load their parts by themselves.
  entryPoints: { main: "src/main.ts", audio: "src/audio/worklet.ts", worker: "src/worker/worker.ts" },
  outdir: out,
  bundle: true,
  format: "esm",
  target: ["chrome120"],
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
});
await writeFile(join(out, "licences.txt"), await licences(Object.keys(metafile.inputs)));
for (const file of ["index.html", "style.css", "icon.svg"]) await copyFile(file, join(out, file));

/** The licences of the packages whose files are in the bundle; theirs demand that they go with it. */
async function licences(files) {
  const packages = new Set(files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []));
  const texts = await Promise.all([...packages].sort().map(licence));
  return `This page contains:\n\n${texts.join("\n")}`;
}

async function licence(name) {
  const folder = join("node_modules", name);
  const { version, license, author } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const files = (await readdir(folder)).filter((file) => /^licen[cs]e/i.test(file));
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  const by = typeof author === "string" ? author : author?.name;
  return [`${name} ${version}, ${license}${by ? `, by ${by}` : ""}`, ...texts].join("\n\n");
}
