import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../admin-api/problem';
import { KeptFile } from './kept-file';
import { SWAGGER_UI_SCRIPT } from './swagger-ui-script';
import type { ServedDocument } from './types';

const FOLDER = '/api/docs';
const SCRIPT = 'swagger-ui-init.js';
const JAVASCRIPT = 'text/javascript; charset=utf-8';
const HTML = 'text/html; charset=utf-8';

/** The files of the package `swagger-ui-dist` that the pages need. */
const ASSETS: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': JAVASCRIPT,
  'favicon-32x32.png': 'image/png',
};

/**
 * Serves each document at `/api/{file}` and on its page in Swagger UI, all from memory. `/` redirects to the first
 * page.
 */
export function serveApiDocs(fastify: FastifyInstance, documents: readonly ServedDocument[]): void {
  for (const served of documents) {
    const text = Buffer.from(JSON.stringify(served.document));
    serve(fastify, `/api/${served.file}`, inMemory('application/json; charset=utf-8', text));
    servePage(fastify, served, documents);
  }
  serve(fastify, `${FOLDER}/${SCRIPT}`, inMemory(JAVASCRIPT, Buffer.from(SWAGGER_UI_SCRIPT)));
  for (const [name, mediaType] of Object.entries(ASSETS)) {
    const path = swaggerUi.resolve(`swagger-ui-dist/${name}`);
    serve(fastify, `${FOLDER}/${name}`, new KeptFile(mediaType, () => readFile(path)));
  }
  fastify.get('/', (_request, reply) => reply.redirect(`.${documents[0]!.page}`));
}

/** If the docs are off, the answer for `/` still shows that Scimify runs. */
export function serveDocsDisabledNotice(fastify: FastifyInstance): void {
  fastify.get('/', () => {
    throw new Problem(
      'not_found',
      'Scimify runs, but its API docs are switched off (SCIMIFY_API_DOCS=false). ' +
        'The admin API is at /api/v1, SCIM at /scim/v2/{integrationId}.',
    );
  });
}

/** Swagger UI is a dependency of `@nestjs/swagger`, so it must be resolved from there. */
const swaggerUi = createRequire(require.resolve('@nestjs/swagger'));

function serve(fastify: FastifyInstance, path: string, file: KeptFile): void {
  fastify.get(path, (request, reply) => file.answer(request, reply));
}

/** All links of a page are relative, so it also works behind a proxy that adds a path prefix. */
function servePage(
  fastify: FastifyInstance,
  shown: ServedDocument,
  documents: readonly ServedDocument[],
): void {
  const upFromPage = '../'.repeat(shown.page.split('/').length - 2);
  const page = inMemory(HTML, Buffer.from(pageOf(shown, documents, upFromPage)));
  const pageOfFolder = inMemory(HTML, Buffer.from(pageOf(shown, documents, `${upFromPage}../`)));
  fastify.get(shown.page, (request, reply) => {
    const isFolder = request.url.split('?', 1)[0]!.endsWith('/');
    return (isFolder ? pageOfFolder : page).answer(request, reply);
  });
}

function inMemory(mediaType: string, content: Buffer): KeptFile {
  return new KeptFile(mediaType, () => Promise.resolve(content));
}

/** @param root relative path from the page to `/` */
function pageOf(shown: ServedDocument, documents: readonly ServedDocument[], root: string): string {
  const folder = `${root}${FOLDER.slice(1)}/`;
  const links = documents.map(
    ({ name, page }) =>
      `<a href="${root}${page.slice(1)}"${page === shown.page ? ' aria-current="page"' : ''}>${name}</a>`,
  );
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Scimify: ${shown.name}</title>
  <link rel="icon" type="image/png" href="${folder}favicon-32x32.png">
  <link rel="stylesheet" href="${folder}swagger-ui.css">
  <style>
    body { margin: 0; }
    nav { max-width: 1460px; margin: 0 auto; padding: 20px 20px 0; font: 16px sans-serif; }
    nav a { display: inline-block; margin-right: 24px; padding-bottom: 4px; color: #3b4151; text-decoration: none; }
    nav a[aria-current] { border-bottom: 3px solid #49cc90; font-weight: bold; }
  </style>
</head>
<body>
<nav aria-label="Documents">${links.join(' ')}</nav>
<div id="swagger-ui"></div>
<script src="${folder}swagger-ui-bundle.js"></script>
<script src="${folder}${SCRIPT}" data-document="../${shown.file}"></script>
</body>
</html>
`;
}
