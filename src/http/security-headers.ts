import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

/** Pages load only our own resources, and no site may frame them. API responses need none of it. */
const PAGES = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  connectSrc: ["'self'"],
  fontSrc: ["'self'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
  imgSrc: ["'self'", 'data:'],
  manifestSrc: ["'self'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
};
/** Swagger UI brings its styles inside its page. */
const API_DOCS = { ...PAGES, styleSrc: ["'self'", "'unsafe-inline'"] };

/** For responses that bypass the hooks, because the address of their request could not be parsed. */
export const BARE_SECURITY_HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

/**
 * Adds security headers to every response. There is no CORS, because no other site needs access.
 *
 * @param publicUrl only with an https URL do browsers have to use HTTPS from now on
 */
export async function sendSecurityHeaders(fastify: FastifyInstance, publicUrl: string): Promise<void> {
  fastify.addHook('onRoute', (route) => {
    if (!/^\/api\/docs/.test(route.url)) return;
    route.helmet = { contentSecurityPolicy: { useDefaults: false, directives: API_DOCS } };
  });
  fastify.addHook('onRequest', async (_request, reply) => {
    void reply.header('Cache-Control', 'no-store');
  });
  await fastify.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: PAGES },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: publicUrl.startsWith('https:') ? { maxAge: 365 * 24 * 60 * 60 } : false,
  });
}
