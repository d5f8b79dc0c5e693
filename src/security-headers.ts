import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

/** Pages load nothing that is not ours, and nobody frames them. Answers of the APIs need none of it. */
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

/** What an answer has to say that passes by the hooks, because the address of its request could not be read. */
export const BARE_SECURITY_HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

/**
 * Says with every answer what browsers and caches may do with it. There is no CORS: no other site has any business here.
 *
 * @param publicUrl HTTPS is demanded for the future only of who comes over HTTPS now
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
