const WIDTH = 56;

/** Prints the session as it happens. It uses colour only on a terminal. */
export class Narrator {
  private chapters = 0;
  /** How many requests were folded so far; null while each request is printed. */
  private unseen: number | null = null;
  private readonly colour: boolean;

  constructor(private readonly out: NodeJS.WriteStream) {
    this.colour = out.isTTY && !process.env.NO_COLOR;
  }

  title(text: string): void {
    this.line(this.style('1', text));
  }

  /** Lists the chapters before the first one starts. */
  contents(before: string, chapters: readonly string[]): void {
    this.line();
    this.line(before);
    chapters.forEach((text, index) => this.line(`  ${String(index + 1).padStart(2)}. ${text}`));
  }

  chapter(text: string): void {
    this.chapters += 1;
    this.line();
    this.line(this.style('1', `${this.chapters}. ${text}`));
  }

  heading(text: string): void {
    this.line();
    this.line(this.style('1', text));
  }

  /** A request of the IdP and Scimify's response. */
  request(method: string, path: string, status: number, note = ''): void {
    if (this.unseen !== null) {
      this.unseen += 1;
      return;
    }
    const text = shortened(`${method.padEnd(5)} ${shortIds(path)}`).padEnd(WIDTH);
    const answer = this.style(status < 400 ? '32' : '31', String(status));
    this.line(`   ${text} ${answer}${note ? this.style('2', `  ${note}`) : ''}`);
  }

  /**
   * Counts requests instead of printing them, when they repeat what was just printed.
   *
   * @returns how many requests it counted
   */
  async fold(send: () => Promise<void>): Promise<number> {
    const before = this.unseen;
    this.unseen = 0;
    await send();
    const count = this.unseen;
    this.unseen = before === null ? null : before + count;
    return count;
  }

  /** Prints one line for all folded requests. */
  folded(count: number, note: string): void {
    const text = `… ${count} more requests like these`;
    this.line(`   ${text.padEnd(WIDTH)}      ${this.style('2', note)}`);
  }

  /** Prints a result. */
  done(text: string): void {
    this.line(`   ${this.style('32', '✓')} ${text}`);
  }

  failed(text: string): void {
    this.line(`   ${this.style('31', '✗')} ${text}`);
  }

  note(text: string): void {
    this.line(`   ${this.style('2', text)}`);
  }

  row(cells: readonly (readonly [text: string, width: number])[]): void {
    this.line(`   ${cells.map(([text, width]) => text.padEnd(width)).join('  ')}`.trimEnd());
  }

  line(text = ''): void {
    this.out.write(`${text}\n`);
  }

  private style(code: string, text: string): string {
    return this.colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

function shortened(text: string): string {
  return text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text;
}

/** With ids of 36 characters, all lines of a session look the same. */
function shortIds(path: string): string {
  return path.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{8}([0-9a-f]{4})/g, '…$1');
}
