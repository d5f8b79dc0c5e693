import { styleText } from 'node:util';
import { pino } from 'pino';

/** Fields with a fixed place in the line. The others follow as `name=value`. */
const FIXED_FIELDS = new Set(['level', 'time', 'msg', 'context', 'err']);
const STYLES: Record<string, Parameters<typeof styleText>[0]> = {
  fatal: 'red',
  error: 'red',
  warn: 'yellow',
  debug: 'gray',
  trace: 'gray',
};

/**
 * A line of the log for a terminal, with the local time: `10:42:07 info  Scimify listens address=…`. The stack of
 * an error follows below it.
 *
 * @param json as pino writes it
 */
export function terminalLine(json: string): string {
  const line = JSON.parse(json) as Record<string, unknown>;
  const level = pino.levels.labels[line.level as number] ?? 'info';
  const fields = Object.entries(line).filter(([name]) => !FIXED_FIELDS.has(name));
  const text = [
    new Date(line.time as number).toTimeString().slice(0, 8),
    level.padEnd(5),
    ...(line.context ? [`${shown(line.context)}:`] : []),
    printable(String(line.msg)),
    ...fields.map(([name, value]) => `${name}=${shown(value)}`),
  ].join(' ');
  const style = STYLES[level];
  const lines = [
    style ? styleText(style, text) : text,
    ...stackLines(line.err as { stack?: string } | undefined),
  ];
  return `${lines.join('\n')}\n`;
}

/** With the causes: pino appends their stacks. */
function stackLines({ stack }: { stack?: string } = {}): string[] {
  return stack?.split('\n').map((line) => `  ${printable(line)}`) ?? [];
}

function shown(value: unknown): string {
  const plain = typeof value === 'string' && /^[\w:./@+-]+$/.test(value);
  return plain ? value : printable(JSON.stringify(value));
}

/** Control characters. A text from outside must not control the terminal. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

function printable(text: string): string {
  return text.replace(CONTROL, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
