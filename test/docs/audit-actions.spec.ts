import * as ts from 'typescript';
import { INTEGRATION_MODES } from '../../src/integrations/integration.entity';
import { codesOf, read, rowsBelow, sourcesIn } from './documents';

const ACTION = /^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$/;
/** Names of functions that get an action as an argument. */
const RECORDING = /^(record|recordRefused|auditOf|eventOf)$/;
/** The possible endings of actions that are put together from parts. */
const ENDINGS: Record<string, readonly string[]> = {
  mode: INTEGRATION_MODES,
  decision: ['approved', 'rejected'],
  ownership: ['created', 'adopted'],
};

/**
 * All actions that a file can record: in a property `action`, as an argument of these functions, or as a returned
 * value.
 */
function actionsIn(path: string): string[] {
  const file = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) && node.name.getText(file) === 'action') {
      found.push(...actionsOf(node.initializer, file));
    }
    if (ts.isReturnStatement(node) && node.expression) found.push(...actionsOf(node.expression, file));
    if (ts.isCallExpression(node)) {
      const { expression } = node;
      const called = ts.isPropertyAccessExpression(expression) ? expression.name : expression;
      if (RECORDING.test(called.getText(file))) {
        found.push(...node.arguments.flatMap((argument) => actionsOf(argument, file)));
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function actionsOf(expression: ts.Expression, file: ts.SourceFile): string[] {
  if (ts.isStringLiteralLike(expression)) return ACTION.test(expression.text) ? [expression.text] : [];
  if (ts.isConditionalExpression(expression)) {
    return [expression.whenTrue, expression.whenFalse].flatMap((branch) => actionsOf(branch, file));
  }
  if (!ts.isTemplateExpression(expression) || !/^[a-z_]+\.$/.test(expression.head.text)) return [];
  const ending = expression.templateSpans[0]!.expression.getText(file);
  const known = ENDINGS[ending];
  if (!known) throw new Error(`${file.fileName}: what \${${ending}} of an action may be is not known here.`);
  return known.map((end) => `${expression.head.text}${end}`);
}

const ROWS = rowsBelow(read('docs/admin-api.md'), /^## What the audit tells/);
const DOCUMENTED = codesOf(ROWS);
const RECORDED = [...new Set(sourcesIn('src').flatMap(actionsIn))].sort();

describe('the list of audited actions', () => {
  it('has every action that is recorded, once, and no other', () => {
    // It finds each kind: in a property, as an argument, with one of several endings, and chosen by a function.
    expect(RECORDED).toEqual(
      expect.arrayContaining(['tenant.created', 'user.updated', 'integration.disabled', 'team.left']),
    );
    expect(new Set(DOCUMENTED).size).toBe(DOCUMENTED.length);
    expect([...DOCUMENTED].sort()).toEqual(RECORDED);
  });

  it('says of each when it is recorded and what its detail holds', () => {
    for (const row of ROWS) {
      expect(row).toHaveLength(3);
      expect(row.filter((cell) => cell === '')).toEqual([]);
    }
  });
});
