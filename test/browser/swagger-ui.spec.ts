import { chromium, type Browser, type Page } from 'playwright-core';
import { committedDocument, openApiOperations, sampleBody } from '../support/open-api';
import { Scimify } from '../support/scimify';
import { chromiumPath } from './chromium';

/** In the page. */
declare const document: any;

const PATIENCE_MS = 15_000;
const executablePath = chromiumPath();
const inBrowser = executablePath === null ? describe.skip : describe;

jest.setTimeout(90_000);

inBrowser('Swagger UI', () => {
  let scimify: Scimify;
  let browser: Browser;
  let page: Page;
  /** What the page fetched from other servers than Scimify. */
  let foreign: string[];

  beforeAll(async () => {
    scimify = await Scimify.start({ SCIMIFY_API_DOCS: 'true' });
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  });

  beforeEach(async () => {
    page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    foreign = [];
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol.startsWith('http') && origin !== scimify.url) foreign.push(request.url());
    });
  });

  afterEach(() => page.close());

  afterAll(async () => {
    await browser.close();
    await scimify.stop();
  });

  /** Shows the page of one document. */
  const open = async (path: string) => {
    await page.goto(`${scimify.url}${path}`);
    await page.locator('.opblock-tag').first().waitFor();
  };

  const filterBox = () => page.getByLabel('Filter by path, summary or tag');
  /** Of the visible operations. */
  const summaries = () => page.locator('.opblock-summary-description').allInnerTexts();

  /** Opens one operation, fills in its body where it has one, sends it, and reads the answer. */
  const execute = async (summary: string, body?: object) => {
    await filterBox().fill(summary);
    const operation = page.locator('.opblock', { hasText: summary });
    await operation.locator('.opblock-summary').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    if (body) await operation.locator('textarea.body-param__text').fill(JSON.stringify(body));
    await operation.getByRole('button', { name: 'Execute' }).click();
    const answer = operation.locator('.live-responses-table .response').first();
    const status = await answer.locator('.response-col_status').innerText();
    const text = await answer.locator('.highlight-code').first().innerText();
    return { status: status.trim(), text };
  };

  it('authorizes with an admin key, creates a tenant and lists it, and fetches nothing from elsewhere', async () => {
    await open('/');
    await page.locator('.btn.authorize').click();
    const dialog = page.locator('.modal-ux');
    await dialog.locator('.auth-container', { hasText: 'adminKey' }).locator('input').fill(scimify.adminKey);
    await dialog
      .locator('.auth-container', { hasText: 'adminKey' })
      .getByRole('button', { name: 'Apply credentials' })
      .click();
    await dialog.getByRole('button', { name: 'Close' }).first().click();

    expect(await execute('Create a tenant', { name: 'Made in a browser' })).toMatchObject({ status: '201' });
    const listed = await execute('List the tenants that the key may see');
    expect(listed.status).toBe('200');
    expect(listed.text).toContain('Made in a browser');
    expect((await scimify.admin.get('/tenants')).body.items).toMatchObject([{ name: 'Made in a browser' }]);
    expect(foreign).toEqual([]);
  });

  it.each([
    ['/api/docs', 'Admin API', ['adminKey']],
    ['/api/docs/scim', 'SCIM', ['scimKey', 'bareScimKey']],
  ])('at %s shows %s alone and asks for no other keys than %j', async (path, name, keys) => {
    await open(path);
    await page.locator('.btn.authorize').click();
    const titles = await page.locator('.modal-ux .auth-container h4').allInnerTexts();
    expect(titles.map((title) => title.split(/\W/)[0])).toEqual(keys);
    expect(await page.locator('nav [aria-current]').innerText()).toBe(name);
    await page.locator('.modal-ux .close-modal').click();

    const other = page.locator('nav a:not([aria-current])');
    const address = new URL((await other.getAttribute('href'))!, page.url()).pathname;
    await other.click();
    await page.locator('.opblock-tag').first().waitFor();
    expect(new URL(page.url()).pathname).toBe(address);
    expect(await page.locator('nav [aria-current]').innerText()).not.toBe(name);
  });

  it('begins with its operations folded away, and finds them by path, summary and tag in letters of any case', async () => {
    await open('/api/docs');
    expect(await page.locator('.opblock').count()).toBe(0);
    expect(await page.locator('.opblock-tag').count()).toBeGreaterThan(10);

    await filterBox().fill('rebind');
    expect(await summaries()).toEqual(['Move an integration to another account']);
    await filterBox().fill('post /api/v1/tenants/{tenantid}/integ');
    expect(await summaries()).toHaveLength(1);
    await filterBox().fill('held CHANGES');
    expect(await page.locator('.opblock-tag').allInnerTexts()).toContainEqual(
      expect.stringContaining('Held changes'),
    );
    await filterBox().fill('there is no such thing');
    expect(await page.locator('.opblock-tag').count()).toBe(0);
    await filterBox().fill('');
    expect(await page.locator('.opblock').count()).toBe(0);
    expect(await page.locator('.opblock-tag').count()).toBeGreaterThan(10);
  });

  it.each([
    ['/api/docs', 'openapi.json'],
    ['/api/docs/scim', 'openapi-scim.json'],
  ] as const)(
    'at %s fills in only what the document gives as an example or a default',
    async (path, file) => {
      const expected = examplesOf(committedDocument(file));
      await open(path);
      await filterBox().fill('/');
      expect(await filledIn(Object.keys(expected))).toEqual(expected);
    },
  );

  /** The body and the parameters with which each operation begins when it is tried out. */
  const filledIn = (operationIds: string[]) =>
    // In the page, because a round trip for each click would take minutes.
    page.evaluate(async (ids) => {
      const rendered = async (find: () => any) => {
        for (;;) {
          const found = find();
          if (found) return found;
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      };
      const all: Record<string, Record<string, unknown>> = {};
      for (const id of ids) {
        const operation = await rendered(() => document.querySelector(`.opblock[id$="-${id}"]`));
        const toggle = operation.querySelector('.opblock-summary-control');
        toggle.click();
        (await rendered(() => operation.querySelector('.try-out__btn'))).click();
        await rendered(() => operation.querySelector('.btn.execute'));
        const values: Record<string, unknown> = {};
        for (const row of operation.querySelectorAll('tr[data-param-name]')) {
          const value = row.querySelector('input, select')?.value ?? '';
          if (value !== '') values[row.getAttribute('data-param-name')] = value;
        }
        const body = operation.querySelector('textarea.body-param__text');
        if (body) values.body = JSON.parse(body.value);
        all[id] = values;
        toggle.click();
      }
      return all;
    }, operationIds);
});

/** The same from the document, for operations that have a body or a parameter with something to fill in. */
function examplesOf(openApi: Record<string, any>): Record<string, Record<string, unknown>> {
  const all: Record<string, Record<string, unknown>> = {};
  for (const { operation } of openApiOperations(openApi)) {
    const values: Record<string, unknown> = {};
    let mayBeFilledIn = operation.requestBody !== undefined;
    for (const given of operation.parameters ?? []) {
      const { name, example, schema } = given.$ref
        ? openApi.components.parameters[given.$ref.split('/').at(-1)]
        : given;
      mayBeFilledIn ||= Boolean(example ?? schema.examples);
      const value = example ?? schema.default;
      if (value !== undefined) values[name] = String(value);
    }
    if (operation.requestBody) values.body = sampleBody(operation);
    if (mayBeFilledIn) all[operation.operationId] = values;
  }
  return all;
}
