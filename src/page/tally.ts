// Which files were seen or saved, and what the user most likely does next.

/** An action of the bar. */
export type Action = "close" | "copy" | "share" | "save" | "saveAll" | "report" | "previous" | "next";

/** The files of a share that were seen and saved. Files are indices. */
export class Tally {
  readonly seen = new Set<number>();
  /** Files that another app has taken, or that the browser has written to disk. */
  readonly kept = new Set<number>();
  /** Files that the browser was asked to download, which it never confirms. */
  readonly unsure = new Set<number>();

  constructor(readonly count: number) {}

  /** Whether a file was seen or saved. */
  has(number: number): boolean {
    return [this.seen, this.kept, this.unsure].some((files) => files.has(number));
  }

  /** The files that were neither seen nor saved. */
  missing(): number[] {
    return Array.from({ length: this.count }, (_, number) => number).filter((number) => !this.has(number));
  }

  /** The browser was asked to download files. */
  download(files: Iterable<number>): void {
    for (const number of files) if (!this.kept.has(number)) this.unsure.add(number);
  }

  /** Files have certainly been saved. */
  keep(files: Iterable<number>): void {
    for (const number of files) {
      this.kept.add(number);
      this.unsure.delete(number);
    }
  }

  /** The file that follows, or at the end the first that was neither seen nor saved. `null`: there is none. */
  after(number: number): number | null {
    if (number + 1 < this.count) return number + 1;
    return this.missing().find((other) => other !== number) ?? null;
  }

  /** The action to highlight at a file. `save`: how it can be saved if this browser cannot show it. */
  main(number: number, save: "save" | "share" | null): Action | null {
    const missing = this.missing();
    if (save !== null && !this.kept.has(number) && !this.unsure.has(number)) return save;
    if (missing.some((other) => other !== number)) return "next";
    return missing.length === 0 ? "close" : null;
  }
}
