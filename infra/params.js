'use strict';

// Checks the deploy parameters and works out what the templates need from them.
// A wrong parameter ends the command with one line, before anything is packaged or deployed.

const KEPT_BY_DEFAULT = { deletionPolicy: 'Retain', deletionProtection: true };
const THROWN_AWAY = { deletionPolicy: 'Delete', deletionProtection: false };
const PASSING_STAGES = ['demo', 'test'];

const PATH_PRICE_USD = 0.005;
const LONGEST_MONTH_MINUTES = 31 * 24 * 60;
const FEWEST_PATHS = 2;
const MOST_BUCKETS = 10;

const patterns = {
  stage: [/^[a-z][a-z0-9-]{0,19}$/, '1 to 20 lower-case letters, digits and hyphens, starting with a letter'],
  bucket: [/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens'],
  distribution: [/^E[A-Z0-9]{5,30}$/, 'a distribution id: an E followed by capital letters and digits'],
  budgetUsd: [/^(none|\d{1,6}(\.\d{1,2})?)$/, 'dollars from 0 to 999999.99, or none for no limit'],
  freePaths: [/^(\d{1,3}|1000)$/, 'a whole number from 0 to 1000'],
  guaranteeMinutes: [/^([1-9]\d{0,3})$/, 'a whole number of minutes from 1 to 9999'],
  alarmEmail: [/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'one e-mail address'],
};

class BadParameter extends Error {}

const check = (name, value) => {
  const [pattern, bound] = patterns[name];
  if (!pattern.test(value)) throw new BadParameter(`Parameter ${name} is "${value}"; it must be ${bound}`);
  return value;
};

const checkIfGiven = (name, value) => (value === '' ? value : check(name, value));

const checkNames = (given, known) => {
  for (const assignment of given ?? []) {
    const name = assignment.split('=', 1)[0];
    if (!known.includes(name)) {
      throw new BadParameter(`Parameter ${name} is unknown; the parameters are ${known.join(', ')}`);
    }
  }
};

const buckets = (text) => {
  const names = text.split(',').map((name) => name.trim()).filter(Boolean);
  names.forEach((name) => check('bucket', name));
  if (names.length > MOST_BUCKETS) {
    throw new BadParameter(`Parameter bucket names ${names.length} buckets; at most ${MOST_BUCKETS} fit one stack`);
  }
  return [...new Set(names)];
};

// In tenths of a cent, since 0.005 has no exact binary fraction.
const pathsFor = (dollars) => Math.floor(Math.round(dollars * 1000) / Math.round(PATH_PRICE_USD * 1000));

const checkTogether = ({ names, distribution, allowance, budgetUsd, freePaths, guaranteeMinutes }) => {
  if (names.length > 0 && !distribution) {
    throw new BadParameter(`Parameter distribution is missing; give the id of the distribution that serves ${names[0]}`);
  }
  if (distribution && names.length === 0) {
    throw new BadParameter(`Parameter bucket is missing; name the bucket that distribution ${distribution} serves`);
  }
  if (allowance < FEWEST_PATHS) {
    throw new BadParameter(
      `Parameters freePaths ${freePaths} and budgetUsd ${budgetUsd} allow ${allowance} paths a month; ` +
        `it must be ${FEWEST_PATHS} or more`
    );
  }
  const needed = guaranteeMinutes === '' ? 0 : Math.ceil(LONGEST_MONTH_MINUTES / Number(guaranteeMinutes));
  if (needed > allowance) {
    const enough = ((needed - Number(freePaths)) * PATH_PRICE_USD).toFixed(2);
    throw new BadParameter(
      `Parameter guaranteeMinutes is ${guaranteeMinutes}, which takes ${needed} paths a month of ${allowance} allowed; ` +
        `it needs a budgetUsd of ${enough} or more`
    );
  }
};

const settings = async ({ options, resolveVariable }) => {
  const known = Object.keys(patterns).filter((name) => name !== 'stage');
  checkNames(options.param, known);
  const given = {};
  for (const name of known) given[name] = String(await resolveVariable(`param:${name}`)).trim();

  const stage = check('stage', await resolveVariable('self:provider.stage'));
  const names = buckets(given.bucket);
  const distribution = checkIfGiven('distribution', given.distribution);
  const budgetUsd = check('budgetUsd', given.budgetUsd);
  const freePaths = check('freePaths', given.freePaths);
  const guaranteeMinutes = checkIfGiven('guaranteeMinutes', given.guaranteeMinutes);
  const alarmEmail = checkIfGiven('alarmEmail', given.alarmEmail);
  const allowance = budgetUsd === 'none' ? Infinity : Number(freePaths) + pathsFor(Number(budgetUsd));
  checkTogether({ names, distribution, allowance, budgetUsd, freePaths, guaranteeMinutes });

  return {
    source: names.length > 0 ? 'buckets' : 'site',
    bucketNames: names,
    bucketList: names.join(','),
    bucketArns: names.map((name) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::${name}` })),
    distribution,
    budgetUsd,
    freePaths,
    guaranteeMinutes,
    alarmEmail,
    alarmActions: alarmEmail ? [{ Ref: 'AlarmTopic' }] : [],
    alarmTopic: alarmEmail ? '${file(infra/topic.yml)}' : {},
    ...(PASSING_STAGES.includes(stage) ? THROWN_AWAY : KEPT_BY_DEFAULT),
  };
};

module.exports = async (context) => {
  try {
    return await settings(context);
  } catch (error) {
    if (!(error instanceof BadParameter)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(2);
  }
};
