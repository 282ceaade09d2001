/** What a program says of itself: the source of its help text and of its table in the README. */

import type { OptionSet } from "./option.ts";

export interface Program {
  /** Name of the compiled binary. */
  readonly name: string;
  /** One sentence without a final period. */
  readonly summary: string;
  /** What follows the name in the usage line, one per form. */
  readonly usage: readonly string[];
  readonly options: OptionSet;
  /** Tables of the configuration file. */
  readonly sections: readonly Section[];
  readonly commands: readonly Command[];
  /** Where the configuration file is looked for, best first; none where the program has no such file. */
  readonly configFiles: readonly string[];
  readonly examples: readonly string[];
}

/** A table of the configuration file. */
export interface Section {
  /** As it is written: `[[servers]]`, `[dev_mode]`. */
  readonly header: string;
  readonly description: string;
  readonly options: OptionSet;
}

/** A word that makes the program do something else than run. */
export interface Command {
  readonly name: string;
  readonly description: string;
}
