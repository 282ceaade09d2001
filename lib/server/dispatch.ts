/** What a server has, by the path behind its name: a folder under /files/, and a front page. */

import { errorAnswer } from "../http/error_answer.ts";
import { htmlPage, PAGE_HEADERS } from "../http/html.ts";
import type { Handler, HttpAnswer } from "../http/message.ts";
import { parseTarget } from "../http/target.ts";
import { textAnswer } from "../http/text_answer.ts";
import type { FileServer } from "../files/file_server.ts";

const FILES = "/files";
const FOLDER_API = "/api/v1/dir";

/** Answers tunnelled requests out of `files`. */
export function createDispatcher(files: FileServer): Handler {
  return (request) => {
    const target = parseTarget(request.target);
    if (target.kind !== "origin") return textAnswer(400, "The target is malformed");
    const { path } = target;
    if (path.startsWith(`${FILES}/`)) return files.answer(request, path.slice(FILES.length));
    if (path.startsWith(`${FOLDER_API}/`)) {
      return files.answer(request, path.slice(FOLDER_API.length), "json");
    }
    if (path === "/") return homePage();
    if (path === FILES) return textAnswer(307, "See files/", ["Location", "./files/"]);
    return errorAnswer(404, { requestHeaders: request.headers });
  };
}

/** It names nothing of this computer: whoever has the link may read it. */
function homePage(): HttpAnswer {
  const page = htmlPage("PTTH server", '<h1>PTTH server</h1>\n<p><a href="./files/">Files</a>');
  return {
    status: 200,
    headers: [...PAGE_HEADERS, "Cache-Control", "no-cache"],
    body: new TextEncoder().encode(page),
  };
}
