// @ts-check
// What is said where Python does not answer.

export const PATIENCE = 3000; // ms until an unanswered request is called that
const SILENCE = "No answer from Python: the kernel is busy, or not running.";

// One for each widget: of several requests, the last one is waited for.
export class Patience {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** @type {(say: (text: string) => void, more: string) => void} */
  begin(say, more) {
    this.end();
    this.timer = setTimeout(() => say(`${SILENCE} ${more}`), PATIENCE);
  }

  end() {
    clearTimeout(this.timer);
  }
}
