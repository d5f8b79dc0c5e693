import { chromium, type Browser, type Page } from 'playwright-core';
import { Scimify } from '../support/scimify';
import { chromiumPath } from './chromium';

const PATIENCE_MS = 15_000;
const executablePath = chromiumPath();
const inBrowser = executablePath === null ? describe.skip : describe;

jest.setTimeout(90_000);

inBrowser('Swagger UI', () => {
  let scimify: Scimify;
  let browser: Browser;
  let page: Page;
  /** Whatever was fetched from somewhere else than Scimify. */
  let foreign: string[];

  beforeEach(async () => {
    scimify = await Scimify.start({ SCIMIFY_API_DOCS: 'true' });
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
    page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    foreign = [];
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol.startsWith('http') && origin !== scimify.url) foreign.push(request.url());
    });
  });

  afterEach(async () => {
    await browser.close();
    await scimify.stop();
  });

  /** Opens one operation, fills in its body where it has one, sends it, and reads the answer. */
  const execute = async (summary: string, body?: object) => {
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
    await page.goto(`${scimify.url}/api/docs`);
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
});
