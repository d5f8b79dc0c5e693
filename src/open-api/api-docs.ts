import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { FastifyInstance } from 'fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { KeptFile } from './kept-file';

const PAGE = '/api/docs';
const JAVASCRIPT = 'text/javascript; charset=utf-8';
const HTML = 'text/html; charset=utf-8';

/** What the page needs of the package `swagger-ui-dist`. */
const ASSETS: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': JAVASCRIPT,
  'favicon-32x32.png': 'image/png',
};

/** Keys that are typed in are forgotten with the page: a browser's storage is no place for them. */
const START = `const address = new URL('../openapi.json', document.currentScript.src).href;
window.onload = () => {
  SwaggerUIBundle({
    url: address,
    dom_id: '#swagger-ui',
    deepLinking: true,
    persistAuthorization: false,
    validatorUrl: null,
  });
};
`;

/** Serves the document at `/api/openapi.json` and Swagger UI at `/api/docs`, all of it from memory. */
export function serveDocument(fastify: FastifyInstance, document: OpenAPIObject): void {
  const text = Buffer.from(JSON.stringify(document));
  serve(fastify, '/api/openapi.json', inMemory('application/json; charset=utf-8', text));
  serve(fastify, `${PAGE}/swagger-ui-init.js`, inMemory(JAVASCRIPT, Buffer.from(START)));
  for (const [name, mediaType] of Object.entries(ASSETS)) {
    const path = swaggerUi.resolve(`swagger-ui-dist/${name}`);
    serve(fastify, `${PAGE}/${name}`, new KeptFile(mediaType, () => readFile(path)));
  }
  const page = inMemory(HTML, Buffer.from(pageWithin('./docs/')));
  const pageOfFolder = inMemory(HTML, Buffer.from(pageWithin('./')));
  fastify.get(PAGE, (request, reply) => {
    const isFolder = request.url.split('?', 1)[0]!.endsWith('/');
    return (isFolder ? pageOfFolder : page).answer(request, reply);
  });
}

/** `@nestjs/swagger` brings Swagger UI along, so it is found from there. */
const swaggerUi = createRequire(require.resolve('@nestjs/swagger'));

function serve(fastify: FastifyInstance, path: string, file: KeptFile): void {
  fastify.get(path, (request, reply) => file.answer(request, reply));
}

function inMemory(mediaType: string, content: Buffer): KeptFile {
  return new KeptFile(mediaType, () => Promise.resolve(content));
}

/** @param base relative, so that it holds behind a proxy that puts something before our addresses */
function pageWithin(base: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Scimify API</title>
  <link rel="icon" type="image/png" href="${base}favicon-32x32.png">
  <link rel="stylesheet" href="${base}swagger-ui.css">
  <style>body { margin: 0; }</style>
</head>
<body>
<div id="swagger-ui"></div>
<script src="${base}swagger-ui-bundle.js"></script>
<script src="${base}swagger-ui-init.js"></script>
</body>
</html>
`;
}
