import * as ts from 'typescript';
import { CHECKS, REMEDIES } from '../../src/pagerduty/diagnosis-checks';
import { DRIFT_KINDS } from '../../src/provisioning/reconcile/drift';
import { GROUP_STATES } from '../../src/provisioning/state/remote-group.entity';
import { MEMBER_STATES, USER_STATES } from '../../src/provisioning/state/people-status';
import { FAILURE_REMEDIES } from '../support/failed-answers';
import { codesOf, read, rowsBelow, sourcesIn } from './documents';

/** Rooms that set reasons. */
const SAID_IN = ['src/provisioning', 'src/integrations', 'src/pagerduty'];
/** The specs that cause and check each reason, except the reasons of failed PagerDuty calls. */
const PROVOKED_IN = ['test/provisioning/reasons.spec.ts', 'src/pagerduty/diagnosis.spec.ts'];
/** The reason of a check whose provider gave none. PagerDuty gives one for every check. */
const NO_REASON = 'failed';

const SAME_ACCOUNT = 'The credential still reaches the same account';

const STATES = read('docs/states.md');
const GUIDE = read('docs/connect-okta-and-pagerduty.md');
const REASON_ROWS = rowsBelow(STATES, /^## Reasons/);
const DOCUMENTED = codesOf(REASON_ROWS);

/** Finds the reasons in code: in a property or parameter of that name, in a constant behind it, in SQL. */
class ReasonsInCode {
  private readonly files: ts.SourceFile[];
  private readonly exported = new Map<string, string>();
  private readonly takingReason = new Map<string, number>();

  constructor(paths: readonly string[]) {
    this.files = paths.map((path) => ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true));
    for (const file of this.files) {
      for (const statement of file.statements) {
        if (!isExported(statement)) continue;
        for (const [name, value] of constantsIn(statement)) this.exported.set(name, value);
        const index = reasonParameter(statement);
        if (index >= 0) this.takingReason.set((statement as ts.FunctionDeclaration).name!.text, index);
      }
    }
  }

  all(): string[] {
    const found = this.files.flatMap((file) => this.inFile(file));
    return [...new Set(found)].sort();
  }

  private inFile(file: ts.SourceFile): string[] {
    const constants = new Map([...this.exported, ...file.statements.flatMap(constantsIn)]);
    const taking = new Map(this.takingReason);
    for (const statement of file.statements) {
      const index = reasonParameter(statement);
      if (index >= 0) taking.set((statement as ts.FunctionDeclaration).name!.text, index);
    }
    const found: string[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isPropertyAssignment(node) && /^(reason|\w+Reason)$/.test(node.name.getText(file))) {
        found.push(...valuesOf(node.initializer, constants));
      }
      if (ts.isVariableDeclaration(node) && node.name.getText(file) === 'reason' && node.initializer) {
        found.push(...valuesOf(node.initializer, constants));
      }
      if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
        const argument = node.arguments[taking.get(node.expression.text) ?? -1];
        if (argument) found.push(...valuesOf(argument, constants));
      }
      if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
        for (const [, code] of node.getText(file).matchAll(/\breason = '(\w+)'/g)) found.push(code!);
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
    return found;
  }
}

function isExported(statement: ts.Statement): boolean {
  return ts.canHaveModifiers(statement)
    ? (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    : false;
}

function constantsIn(statement: ts.Statement): [name: string, value: string][] {
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({ name, initializer }) =>
    ts.isIdentifier(name) && initializer && ts.isStringLiteral(initializer)
      ? [[name.text, initializer.text] as [string, string]]
      : [],
  );
}

function reasonParameter(statement: ts.Statement): number {
  if (!ts.isFunctionDeclaration(statement)) return -1;
  return statement.parameters.findIndex(({ name }) => ts.isIdentifier(name) && name.text === 'reason');
}

/** All values that an expression can have, as far as the code contains them. */
function valuesOf(expression: ts.Expression, constants: ReadonlyMap<string, string>): string[] {
  if (ts.isStringLiteral(expression)) return expression.text === '' ? [] : [expression.text];
  if (ts.isIdentifier(expression)) return [constants.get(expression.text) ?? []].flat();
  if (ts.isParenthesizedExpression(expression)) return valuesOf(expression.expression, constants);
  if (ts.isConditionalExpression(expression)) {
    return [expression.whenTrue, expression.whenFalse].flatMap((branch) => valuesOf(branch, constants));
  }
  return ts.isBinaryExpression(expression)
    ? [expression.left, expression.right].flatMap((side) => valuesOf(side, constants))
    : [];
}

const FAILURES = Object.keys(FAILURE_REMEDIES);
const IN_CODE = new ReasonsInCode(SAID_IN.flatMap(sourcesIn)).all().filter((code) => code !== NO_REASON);

describe('the list of states and reasons', () => {
  it('has every reason that the code can say, once, and no other', () => {
    // It finds reasons in each notation, also those that only SQL contains.
    expect(IN_CODE).toEqual(expect.arrayContaining(['team_exists', 'user_gone', 'waits_for_additions']));
    expect(new Set(DOCUMENTED).size).toBe(DOCUMENTED.length);
    expect([...DOCUMENTED].sort()).toEqual([...new Set([...IN_CODE, ...FAILURES])].sort());
  });

  it('says to each failed call of PagerDuty’s what the message says', () => {
    const advice = Object.fromEntries(REASON_ROWS.map(([code, , todo]) => [code!.replaceAll('`', ''), todo]));
    expect(advice).toMatchObject(FAILURE_REMEDIES);
  });

  it('says of each reason what it means, what to do and when it is tried again', () => {
    for (const row of REASON_ROWS) {
      expect(row).toHaveLength(4);
      expect(row.filter((cell) => cell === '')).toEqual([]);
    }
  });

  it.each([
    ['a group', /^## States of a group/, GROUP_STATES],
    ['a member', /^## States of a member/, MEMBER_STATES],
    ['a user', /^## States of a user/, USER_STATES],
    ['drift', /^## Drift/, DRIFT_KINDS],
  ])('has every state of %s', (_, heading, states) => {
    expect(codesOf(rowsBelow(STATES, heading)).sort()).toEqual([...states].sort());
  });
});

describe('every reason', () => {
  // src/pagerduty/remedies.spec.ts covers PagerDuty's answers. It does not compile if one is missing.
  const provoked = new Set([...new ReasonsInCode(PROVOKED_IN).all(), ...FAILURES]);

  it.each(DOCUMENTED)('is provoked by a test: %s', (code) => {
    expect([...provoked]).toContain(code);
  });
});

describe('what the guide says about trouble', () => {
  const section = (heading: string) => GUIDE.split(/^(?=## )/m).find((text) => text.startsWith(heading))!;
  const itemsOf = (text: string) =>
    text
      .split(/\n(?=- )|\n\n/)
      .filter((block) => block.startsWith('- '))
      .map((block) => block.replace(/\s+/g, ' '));
  const namedBy = (item: string) =>
    [...item.split(':')[0]!.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code!);

  const items = [
    ...itemsOf(section('## When something is not in step')),
    ...itemsOf(section('## When the connection test fails')),
  ];

  it.each(items)('names a reason: %s', (item) => {
    expect(namedBy(item).length).toBeGreaterThan(0);
    expect(DOCUMENTED).toEqual(expect.arrayContaining(namedBy(item)));
  });

  it('goes through the checks of the connection test in their order', () => {
    const titles = [...section('## When the connection test fails').matchAll(/\*\*(.+?)\*\*/g)].map(
      ([, title]) => title,
    );
    expect(titles).toEqual([...Object.values(CHECKS), SAME_ACCOUNT]);
  });

  it.each(Object.entries(REMEDIES))('repeats the advice of the connection test: %s', (_, remedy) => {
    const advice = typeof remedy === 'string' ? remedy : remedy('…');
    expect(section('## When the connection test fails').replace(/\s+/g, ' ')).toContain(advice);
  });

  it('leads to the list of all reasons', () => {
    expect(GUIDE).toContain('(states.md)');
    expect(read('README.md')).toContain('(docs/states.md)');
  });
});
