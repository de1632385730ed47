// Lets another program drive Chromium: a command of JSON a line on stdin, an answer of JSON a line on stdout.
//
//   {"do":"open","url":"https://127.0.0.1:4433/#…","wait":"window.__goggles?.painted > 0","width":1280,"height":720}
//       a page in a fresh profile ("profile":"same" keeps that of the page before); "wait" is a JavaScript expression
//   {"do":"play"}                       presses Play and waits for the input role
//   {"do":"wait","for":"…"}             until the expression is true; answers its value
//   {"do":"evaluate","expression":"…"}  answers its value
//   {"do":"colour","x":0.5,"y":0.5}     answers [r, g, b] of that point of the picture
//   {"do":"type","text":"…"} {"do":"press","key":"Control+c"} {"do":"down","key":"a"} {"do":"up","key":"a"}
//   {"do":"move","x":10,"y":10} {"do":"click","x":10,"y":10,"button":"left"} {"do":"wheel","dx":0,"dy":120}
//   {"do":"flips","n":100}              key → decoded change of the picture's middle; answers milliseconds
//   {"do":"beeps","seconds":30}         what is heard and seen of beep-flash; answers lists (beeps.mjs)
//   {"do":"screenshot","path":"…"}      a PNG
//   {"do":"reload"} {"do":"offline","is":true} {"do":"log"} {"do":"close"}
//
// An answer is {"ok":value} or {"error":"…"}. The end of stdin ends Chromium.
import { createInterface } from "node:readline";
import { beeps } from "./beeps.mjs";
import { colour, flips, holds, launch, open, PATIENCE, profile, type } from "./chromium.mjs";

const browser = await launch();
let context;
let page;

/** A function of the page that gives the expression's value; evaluated by the debugger, so the page's CSP is no matter. */
async function until(expression) {
  const began = Date.now();
  for (;;) {
    const value = await page.evaluate(expression);
    if (value) return value;
    if (Date.now() - began > PATIENCE) throw new Error(`still not: ${expression}\n${page.log.join("\n")}`);
    await page.waitForTimeout(20);
  }
}

const commands = {
  async open({ url, wait = "window.__goggles?.painted > 0", profile: which, width = 1280, height = 720 }) {
    if (which === "same" && page) await page.close();
    else {
      await context?.close();
      context = await profile(browser, { width, height });
    }
    page = await open(context, url, () => true);
    await until(wait);
  },
  async play() {
    await page.click("#play");
    await holds(page, () => window.__goggles.role === "input");
  },
  wait: ({ for: expression }) => until(expression),
  evaluate: ({ expression }) => page.evaluate(expression),
  colour: ({ x, y }) => colour(page, x, y),
  type: ({ text }) => type(page, text),
  press: ({ key }) => page.keyboard.press(key),
  down: ({ key }) => page.keyboard.down(key),
  up: ({ key }) => page.keyboard.up(key),
  move: ({ x, y }) => page.mouse.move(x, y),
  click: ({ x, y, button = "left" }) => page.mouse.click(x, y, { button }),
  wheel: ({ dx = 0, dy = 0 }) => page.mouse.wheel(dx, dy),
  flips: (options) => flips(page, options),
  beeps: (options) => beeps(page, options),
  async screenshot({ path }) {
    await page.screenshot({ path });
  },
  async reload() {
    await page.reload();
  },
  async close() {
    await page.close();
    page = undefined;
  },
  offline: ({ is }) => context.setOffline(is),
  log: () => page.log,
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { do: name, ...options } = JSON.parse(line);
    if (!Object.hasOwn(commands, name)) throw new Error(`no such command: ${name}`);
    answer = { ok: (await commands[name](options)) ?? null };
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
