const { availableParallelism } = require('node:os');

// NestJS 12 and some of its dependencies are ES modules only; Jest has to compile them to CommonJS.
const esModules = [
  '@nestjs',
  'file-type',
  'strtok3',
  'token-types',
  'uint8array-extras',
  '@tokenizer',
  '@borewit',
  '@fastify',
  'light-my-request',
  'cookie',
  'content-disposition',
  'uuid',
].join('|');

module.exports = {
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/build.js',
  testMatch: ['<rootDir>/{src,simulator,test}/**/*.spec.ts'],
  transform: {
    '^.+\\.(ts|js|mjs)$': ['@swc/jest', { ...require('./jest.swc.js') }],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules})/)`],
  testTimeout: 30_000,
  // Much of a test's time is spent waiting for servers, so that there is room for more of them than there are cores.
  maxWorkers: availableParallelism() * 2,
};
