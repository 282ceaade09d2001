/** A real browser for tests of pages: Debian's Chromium, driven by playwright-core. */

import { type Browser, chromium, type Page } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Its path, or undefined, with a word on the console, where none is installed. */
export function findBrowser(): string | undefined {
  const found = PATHS.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
  if (found === undefined) {
    // deno-lint-ignore no-console
    console.error("SKIPPED: no Chromium is installed, nothing is tested in it");
  }
  return found;
}

/** Starts one with a profile of its own, which asks nobody for anything. */
export async function startBrowser(
  executablePath: string,
  args: readonly string[] = [],
): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...args,
    ],
  });
}

/** What a page complains of from now on: errors, and requests that fail. */
export function watchPage(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => {
    complaints.push(`${request.url()}: ${request.failure()?.errorText}`);
  });
  return complaints;
}
