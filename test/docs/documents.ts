import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');

export const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** Cells of the tables below a heading. */
export function rowsBelow(document: string, heading: RegExp): string[][] {
  const sections = document.split(/^(?=## )/m).filter((section) => heading.test(section.split('\n')[0]!));
  return sections.flatMap((section) =>
    [...section.matchAll(/^\| *`.*$/gm)].map(([row]) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ),
  );
}

export const codesOf = (rows: string[][]) => rows.map(([code]) => code!.replaceAll('`', ''));

/** What is shipped: no tests. */
export function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .map((file) => `${folder}/${file}`);
}
