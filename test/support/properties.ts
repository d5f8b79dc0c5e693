import fc from 'fast-check';

// A verdict on a change must not hang on chance. PROPERTY_SEED=<integer> tries other cases.
fc.configureGlobal({ seed: Number(process.env.PROPERTY_SEED ?? 1) });

export default fc;
