// What a page without Python holds for its scripts. Only the type checker reads this file.
import type { AnyModel } from "@anywidget/types";
import type { Explorer } from "../pooling_course/explorer/explorer.js";
import type * as kinds from "../pooling_course/explorer/kinds/kinds.js";
import type * as links from "../pooling_course/explorer/link.js";
import type * as pictures from "../pooling_course/explorer/svg.js";
import type * as tables from "../pooling_course/explorer/table.js";
import type * as readout from "../pooling_course/explorer/readout.js";
import type * as dom from "../pooling_course/web/dom.js";
import type * as numbers from "../pooling_course/web/numbers.js";
import type * as press from "../pooling_course/web/press.js";

/** The explorer's module on a page: explorer.js, and what stands beside it there. */
export type Loaded = typeof dom & typeof numbers & typeof press & typeof kinds & typeof links & typeof pictures & typeof tables & typeof readout & { Explorer: typeof Explorer };

/** A saved model: a box of others, or a widget with its module and traits; `closed` until it is asked for. */
export interface Saved {
  children?: string[];
  module: string;
  state: Record<string, any>;
  closed?: boolean;
  /** An explorer that stands for itself, in no lesson. */
  apart?: boolean;
}

export interface Lesson {
  name: string;
  title: string;
  /** Their prompts, by id. */
  questions: Record<string, string>;
}

/** A line of the file of answers. */
export interface Entry {
  v: number;
  time: number;
  id: string;
  lesson?: string;
  attempt: number;
  answer: any;
  confidence: number;
  right: boolean;
  misconception: string;
  seconds: number;
}

/** What a model is for a module here: its traits, and what answers in the place of Python. */
export interface PageModel extends Pick<AnyModel, "get" | "send" | "save_changes"> {
  state: Record<string, any>;
  el: HTMLElement;
  set(name: string | Record<string, any>, value?: any): void;
  on(name: string, callback: (...given: any[]) => void): void;
  emit(name: string, ...given: any[]): void;
}

/** An explorer on a page, its module, and the input that it had there at first; `place` names it in links. */
export interface Mounted {
  view: Explorer;
  model: PageModel;
  el: HTMLElement;
  loaded: Loaded;
  book: object;
  bookOf(input: object): Promise<any>;
  place?: string;
}

export interface Share {
  /** The end of an address that shows all this again, and what it had to leave out; or why no link can say this. */
  link(mounted: Mounted): { link: string; left: string; error: string };
  /** Copy a text, and say so and more; where a page may not, the text is selected for the reader to copy. */
  copy(text: string, said: HTMLElement, more?: string): Promise<void>;
}

declare global {
  interface Window {
    course: {
      /** The source of each module, by name. */
      modules: Record<string, string>;
      /** Each input that can be chosen, or the name of its file. */
      presets: Record<string, string | object>;
      lessons: Lesson[];
      /** Called by the script that a large input is. */
      input(name: string, packed: string): void;
      keepAnswers(model: PageModel, module: { gradeByKey: Function }): void;
      /** The name of the explorer's module, and those of modules that go on where it ends. */
      explorer: string;
      grown: string[];
      /** What a page adds to an explorer that has been mounted; share.js, playground.js and front.js. */
      furnish?(mounted: Mounted): void;
      /** Whether the page was opened by a link to an explorer. */
      linked?: boolean;
      share: Share;
    };
  }
}
