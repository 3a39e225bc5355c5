// What a page without Python holds for its scripts. Only the type checker reads this file.
import type { AnyModel } from "@anywidget/types";

/** A saved model: a box of others, or a widget with its module and traits; `closed` until it is asked for. */
export interface Saved {
  children?: string[];
  module: string;
  state: Record<string, any>;
  closed?: boolean;
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
    };
  }
}
