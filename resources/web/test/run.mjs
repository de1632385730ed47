// Bundles the tests (TypeScript) into a folder that is removed afterwards and runs them with node's own runner.
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = await mkdtemp(join(tmpdir(), "web-test-"));
try {
  const entryPoints = (await readdir(here)).filter((f) => f.endsWith(".test.ts")).map((f) => join(here, f));
  const outExtension = { ".js": ".mjs" };
  const vectors = JSON.stringify(join(here, "../../../protocols/vectors"));
  await build({
    entryPoints,
    outdir: out,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node18",
    outExtension,
    define: { VECTORS: vectors },
    sourcemap: "inline",
    logLevel: "warning",
  });
  const files = (await readdir(out)).map((f) => join(out, f));
  const done = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit" });
  process.exitCode = done.status ?? 1;
} finally {
  await rm(out, { recursive: true });
}
