-- The books of a log, recomputed in SQL: profit, fees and funding to the last digit, sharing no code with perptape.
--
--   perptape log export results/managed --format jsonl --out log.jsonl
--   duckdb -cmd "set variable log = 'log.jsonl'" -c ".read replay/audit.sql" -c "from result"
--
-- or `perptape audit`, which sets the result beside the projections. Money is never a floating point number: amounts are
-- DECIMAL(38, 18), and where a cost is shared the sum is done in whole units of 10^-18, rounded half-even, as the rule
-- says. A text with more decimals than its type has is an error, not a rounding.

-- Decimals of a number as the log writes it: 1.25 has two, 1.5E-7 eight, and a zero none however it is written.
create or replace macro decimals_of(digits) as
    case when regexp_matches(digits, '^-?0*(\.0*)?([eE].*)?$') then 0
         else length(regexp_extract(digits, '\.(\d*)', 1))
              + coalesce(try_cast(regexp_extract(digits, '[eE]-(\d+)', 1) as integer), 0) end;
create or replace macro fits(digits, places) as
    case when decimals_of(digits) > places
         then error(digits || ' has more than ' || places || ' decimals: widen the types in audit.sql')
         else digits end;
create or replace macro size_of(digits) as cast(fits(digits, 6) as decimal(18, 6));    -- contracts and contract sizes
create or replace macro price_of(digits) as cast(fits(digits, 6) as decimal(18, 6));
create or replace macro rate_of(digits) as cast(fits(digits, 12) as decimal(18, 12));
create or replace macro amount_of(digits) as cast(fits(digits, 18) as decimal(38, 18));
-- A decimal as a whole number of its last place: 1.50 with 18 places is 1500000000000000000. And back.
create or replace macro units(exact) as cast(replace(cast(exact as varchar), '.', '') as hugeint);
create or replace macro amount(whole) as cast(whole as decimal(38, 0)) * cast('0.000000000000000001' as decimal(19, 18));
-- amount * part / whole in units, rounded half-even.
create or replace macro share(a, part, whole) as sign(a) * sign(part) * sign(whole) * (
    abs(a * part) // abs(whole)
    + case when 2 * (abs(a * part) % abs(whole)) > abs(whole) then 1
           when 2 * (abs(a * part) % abs(whole)) = abs(whole) then (abs(a * part) // abs(whole)) % 2
           else 0 end);

create or replace table records as
    select seq, event->>'type' as type, event->>'product' as product, event
    from read_json(getvariable('log'), format = 'newline_delimited', maximum_object_size = 67108864,
                   columns = {seq: 'bigint', event: 'json'})
    where event is not null;

select error('an adjustment was taken back: this audit has no answer to that')
    from records where type = 'AdjustmentReversed' limit 1;

-- Everything that changes hands, signed: fills, and adjustments to the exchange's position.
create or replace table trades as
    select seq, product, row_number() over (partition by product order by seq) as n,
           sign * units(size_of(event->>'qty')) as delta,
           sign * units(amount_of(event->>'value')) as traded,
           amount_of(coalesce(event->>'fee', '0')) as fee,
           cast(coalesce(event->>'exchange_at', '0') as bigint) as exchange_at
    from (select *, case when (event->>'side') = 'sell' then -1 else 1 end as sign from records)
    where type in ('OrderFilled', 'FillCorrected', 'AdjustmentApplied');

-- The position by cost, trade by trade: increase, correct, close, reduce, flip. The average is never computed with.
create or replace table positions as
    with recursive book as (
        select product, 0::bigint as n, 0::hugeint as qty, 0::hugeint as cost, 0::hugeint as realized
        from (select distinct product from trades)
        union all
        select b.product, t.n, cast(b.qty + t.delta as hugeint),
            cast(case
                when t.delta = 0 then b.cost
                when b.qty = 0 or sign(b.qty) = sign(t.delta) then b.cost + t.traded
                when b.qty + t.delta = 0 then 0
                when sign(b.qty + t.delta) = sign(b.qty) then b.cost - share(b.cost, -t.delta, b.qty)
                else share(t.traded, b.qty + t.delta, t.delta) end as hugeint),
            cast(b.realized + case
                when t.delta = 0 then -t.traded
                when b.qty = 0 or sign(b.qty) = sign(t.delta) then 0
                when b.qty + t.delta = 0 then -t.traded - b.cost
                when sign(b.qty + t.delta) = sign(b.qty) then -t.traded - share(b.cost, -t.delta, b.qty)
                else share(t.traded, b.qty + t.delta, t.delta) - t.traded - b.cost end as hugeint)
        from book b join trades t on t.product = b.product and t.n = b.n + 1)
    select product, last(qty order by n) * cast('0.000001' as decimal(7, 6)) as qty,
           amount(last(cost order by n)) as cost, amount(last(realized order by n)) as realized
    from (select product, n, cast(qty as decimal(18, 0)) as qty, cost, realized from book) group by product;

create or replace table listings as
    select product, size_of(last(event->>'contract_size' order by seq)) as contract_size
    from records where type = 'ProductListed' group by product;

create or replace table marks as
    select seq, product, price_of(event->>'price') as price, cast(event->>'exchange_at' as bigint) as exchange_at
    from records where type = 'MarkUpdated';

-- Funding from what it is made of: position, mark and rate as of each boundary, in the exchange's time.
create or replace table rates as
    select product, cast(event->>'boundary' as bigint) as boundary,
           rate_of(last(event->>'rate' order by cast(event->>'exchange_at' as bigint), seq)) as rate
    from records where type = 'FundingRatePublished' group by all;
create or replace table held as
    select r.product, r.boundary, r.rate, coalesce(sum(cast(t.delta as decimal(18, 0))), 0) * 0.000001 as qty
    from rates r left join trades t on t.product = r.product and t.exchange_at <= r.boundary group by all;
create or replace table booked as
    select product, boundary, sum(change) as amount from (
        select product, cast(event->>'boundary' as bigint) as boundary, amount_of(event->>'amount') as change
        from records where type = 'FundingAccrued'
        union all
        select product, cast(event->>'boundary' as bigint), amount_of(event->>'after') - amount_of(event->>'before')
        from records where type = 'FundingCorrected') group by all;
create or replace table funding as
    select coalesce(h.product, b.product) as product, coalesce(h.boundary, b.boundary) as boundary,
           h.qty, m.price as mark, h.rate, coalesce(b.amount, 0) as booked,
           coalesce(-(cast(h.qty as decimal(13, 6)) * l.contract_size) * m.price * h.rate, 0) as recomputed
    from (select * from held where qty <> 0) h
    join listings l using (product)
    asof left join marks m on m.product = h.product and h.boundary >= m.exchange_at
    full join booked b on b.product = h.product and b.boundary = h.boundary;

-- What the open positions are worth beyond their cost: at the exchange's own price where it said one, else at the mark.
create or replace table gains as
    select p.product, cast(p.qty as decimal(19, 6)) * l.contract_size * coalesce(x.price, m.price) - p.cost as unrealized
    from positions p left join listings l using (product)
    left join (select product, price_of(last(event->>'current_price' order by cast(event->>'exchange_at' as bigint), seq))
               as price from records where type = 'PositionReported' and (event->>'current_price') is not null
               group by product) x using (product)
    left join (select product, last(price order by seq) as price from marks group by product) m using (product)
    where p.qty <> 0;

-- What it began with: the configuration's word, else the paper exchange's cash, else the first balance report, which
-- contains every transfer before it.
create or replace table start_equity as
    with said as (select
        (select amount_of(event->'configuration'->>'start_equity') from records
         where type = 'SessionStarted' order by seq limit 1) as configured,
        (select amount_of(event->'configuration'->'paper'->>'start_cash') from records
         where type = 'SessionStarted' and (event->'configuration'->>'mode') = 'paper' order by seq limit 1) as paper,
        (select {cash: amount_of(event->>'spot_usd') + amount_of(event->>'futures_usd'),
                 told_at: cast(event->>'exchange_at' as bigint)} from records
         where type = 'BalanceReported' order by seq limit 1) as balance)
    select coalesce(configured, paper, balance.cash) as amount,
           case when configured is null and paper is null then balance.told_at else -1 end as transfers_after
    from said;

create or replace table result as
    select start_equity.amount as start_equity,
        coalesce((select sum(realized) from positions), 0) as realized_pnl,
        case when exists (select 1 from gains where unrealized is null) then null
             else coalesce((select sum(unrealized) from gains), 0) end as unrealized_pnl,
        coalesce((select sum(fee) from trades), 0) as fees,
        coalesce((select sum(booked) from funding), 0) as funding,
        coalesce((select sum(recomputed) from funding), 0) as funding_recomputed,
        coalesce((select sum(transferred) from (
            select distinct event->>'transfer', amount_of(event->>'amount') as transferred
            from records where type = 'TransferReported'
            and cast(event->>'exchange_at' as bigint) > start_equity.transfers_after)), 0)
        + coalesce((select sum(flowed) from (
            select distinct event->>'flow', amount_of(event->>'amount') as flowed
            from records where type = 'ExternalFlow'
            and cast(event->>'exchange_at' as bigint) > start_equity.transfers_after)), 0) as transfers
    from start_equity;
