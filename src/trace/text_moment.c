/* The elements of numpy's arrays of dates, as numpy writes them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "trace/text_internal.h"

static const struct ctr_text_unit units[] = {
    {"Y", .months = 12},    {"M", .months = 1},   {"W", .seconds = 604800}, {"D", .seconds = 86400},
    {"h", .seconds = 3600}, {"m", .seconds = 60}, {"s", .seconds = 1},      {"ms", .digits = 3},
    {"us", .digits = 6},    {"ns", .digits = 9},
};

bool ctr_text__unit(struct ctr_text dtype, struct ctr_text_unit *unit)
{
    char text[32], name[3];
    long long count = 1;
    if (dtype.size == 0 || dtype.size >= sizeof text) {
        return false;
    }
    memcpy(text, dtype.bytes, dtype.size);
    text[dtype.size] = '\0';
    const char *from = text + (text[0] == '>');
    int end = 0;
    bool has_count = sscanf(from, "datetime64[%9lld%2[A-Za-z]]%n", &count, name, &end) == 2;
    if (!has_count && sscanf(from, "datetime64[%2[A-Za-z]]%n", name, &end) != 1) {
        return false;
    }
    for (size_t i = 0; end > 0 && from[end] == '\0' && i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(name, units[i].name) == 0) {
            *unit = units[i];
            unit->count = has_count ? count : 1;
            return unit->count > 0;
        }
    }
    return false;
}

static int64_t floor_of(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

static void add_year(struct ct_bytes *to, int64_t year)
{
    ct_bytes_add_format(to, "%04" PRId64, year);
}

/* Days since 1970 as a date of the calendar that goes on for ever, by eras of 400 years that begin
 * in March. */
static void add_date(struct ct_bytes *to, int64_t days)
{
    enum { ERA_DAYS = 146097, ERA_YEARS = 400, FROM_MARCH_0000 = 719468 };
    int64_t era = floor_of(days + FROM_MARCH_0000, ERA_DAYS);
    unsigned day = (unsigned)(days + FROM_MARCH_0000 - era * ERA_DAYS);
    unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    unsigned month = (5 * day + 2) / 153; /* from March */
    unsigned of_month = day - (153 * month + 2) / 5 + 1;
    unsigned from_january = month < 10 ? month + 3 : month - 9;
    add_year(to, era * ERA_YEARS + year + (from_january <= 2));
    ct_bytes_add_format(to, "-%02u-%02u", from_january, of_month);
}

static void add_clock(struct ct_bytes *to, const struct ctr_text_unit *unit, unsigned seconds,
                      unsigned fraction)
{
    ct_bytes_add_format(to, "T%02u", seconds / 3600);
    if (unit->seconds != 3600) {
        ct_bytes_add_format(to, ":%02u", seconds / 60 % 60);
    }
    if (unit->seconds < 60) {
        ct_bytes_add_format(to, ":%02u", seconds % 60);
    }
    if (unit->digits != 0) {
        ct_bytes_add_format(to, ".%0*u", unit->digits, fraction);
    }
}

static void add_months(struct ct_bytes *to, const struct ctr_text_unit *unit, int64_t months)
{
    int64_t years = floor_of(months, 12);
    add_year(to, 1970 + years);
    if (unit->months == 1) {
        ct_bytes_add_format(to, "-%02" PRId64, months - years * 12 + 1);
    }
}

void ctr_text__moment(const struct ctr_text_unit *unit, int64_t number, struct ct_bytes *to)
{
    enum { DAY = 86400 };
    static const int64_t per_second[] = {[0] = 1, [3] = 1000, [6] = 1000000, [9] = 1000000000};
    int64_t factor = unit->months + unit->seconds + (unit->digits != 0), count;
    if (number == INT64_MIN) {
        ct_bytes_add_text(to, "NaT");
    } else if (__builtin_mul_overflow(number, unit->count, &count) ||
               __builtin_mul_overflow(count, factor, &count)) {
        ct_bytes_add_format(to, "%" PRId64, number);
    } else if (unit->months != 0) {
        add_months(to, unit, count);
    } else {
        int64_t seconds = floor_of(count, per_second[unit->digits]);
        int64_t days = floor_of(seconds, DAY);
        add_date(to, days);
        if (unit->seconds < DAY) {
            add_clock(to, unit, (unsigned)(seconds - days * DAY),
                      (unsigned)(count - seconds * per_second[unit->digits]));
        }
    }
}
