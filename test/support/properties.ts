import fc from 'fast-check';

// With a fixed seed, the result of a test run does not depend on chance. PROPERTY_SEED=<integer> tries other cases.
fc.configureGlobal({ seed: Number(process.env.PROPERTY_SEED ?? 1) });

export default fc;
