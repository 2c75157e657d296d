// Everything that may be set. `config.for` takes the place of one alert's `for`, `config.disabled` leaves alerts out.
{
  _config:: {
    // Label matchers on every series of receivers, of bridges, and of the job on Flink: 'job="dns"'.
    receiverSelector: '',
    bridgeSelector: '',
    flinkSelector: 'job_name="dnstower"',
    // What metrics of unit 1 end in: '_ratio' behind a Collector and in Prometheus's own OTLP receiver.
    oneSuffix: '',
    // Where you keep the runbooks, these and the pack's; %s is the page's name.
    runbookUrl: 'https://example.com/runbooks/%s.md',
    // Labels on every alert, on top of severity.
    labels: {},
    disabled: [],
    'for': {},

    // Rates are taken over this; at least four scrapes, and several of the receivers' intervals.
    window: '5m',
    // A share of failures from which a server counts as failing in a region.
    failing: 0.9,
    // How many regions must see a server fail. Where there are fewer: 1.
    regions: 2,
    errors: 0.05,
    bogus: 0.02,
    // Expectations, as a pattern: data, match, not_match, minimum, rcode, flag, parity.
    expectations: 'data|match|minimum|rcode',
    missing: 0.5,
    signaturesExpire: 12 * 3600,
    registrationExpires: 21 * 86400,
    // A server lags when its serial is below what another had so long ago. Its `for` must be longer.
    lag: '5m',
    // What may differ by region, as patterns on type and name.
    differByType: 'SOA',
    differByName: '',
    latencyQuantile: 0.9,
    latency: 0.5,
    clockSkew: 5,
    // How long a probe, or the job on Flink, that has gone is remembered.
    probeMemory: '6h',
    // Share of answers of a zone's servers over the objective's period (30 days).
    objective: 0.999,
    behind: 120,
    // So long the job on Flink may be without a checkpoint that ends.
    checkpoints: '10m',
  },
}
