"""What the invented sample is shaped after: counts by issue and year as the portal's page shows them, hours in local time.

Only `tools/make_sample.py` reads it. Streets are Austin's own names; where an incident happened on them is drawn by chance.
"""

ZONE = "America/Chicago"
# First day, day after the last, incidents in that time.
YEARS: tuple[tuple[str, str, int], ...] = (
    ("2017-09-26", "2018-01-01", 14_200),
    ("2018-01-01", "2019-01-01", 70_070),
    ("2019-01-01", "2020-01-01", 68_051),
    ("2020-01-01", "2021-01-01", 45_321),
    ("2021-01-01", "2022-01-01", 51_338),
    ("2022-01-01", "2023-01-01", 53_109),
    ("2023-01-01", "2024-01-01", 51_109),
    ("2024-01-01", "2025-01-01", 48_285),
    ("2025-01-01", "2025-09-01", 31_017),
)
# Monday first; January first; midnight first, local time.
WEEKDAY_WEIGHTS = (1.0, 1.04, 1.05, 1.08, 1.2, 0.95, 0.8)
MONTH_WEIGHTS = (0.97, 1.0, 1.03, 1.0, 1.08, 1.0, 0.93, 1.0, 1.02, 1.1, 1.02, 1.0)
# fmt: off
HOUR_WEIGHTS: dict[str, tuple[float, ...]] = {
    "weekday": (1.5, 1.2, 1.2, 0.9, 0.9, 1.5, 3.2, 5.6, 6.0, 4.6, 4.2, 4.5,
                5.0, 5.1, 5.4, 6.2, 7.0, 7.8, 6.2, 4.2, 3.4, 3.2, 2.8, 2.1),
    "weekend": (4.0, 3.6, 4.0, 2.2, 1.7, 1.7, 2.0, 2.5, 3.0, 3.6, 4.1, 4.5,
                4.9, 5.1, 5.1, 5.0, 5.0, 5.0, 4.9, 4.7, 4.6, 4.6, 4.4, 4.1),
}
# fmt: on
ISSUES: dict[str, int] = {
    "Traffic Hazard": 127_794,
    "Crash Urgent": 105_553,
    "Crash Service": 59_228,
    "COLLISION": 44_911,
    "TRFC HAZD/ DEBRIS": 33_391,
    "Stalled Vehicle": 18_395,
    "LOOSE LIVESTOCK": 11_603,
    "COLLISION WITH INJURY": 11_433,
    "COLLISN/ LVNG SCN": 8_710,
    "Traffic Impediment": 6_255,
    "VEHICLE FIRE": 1_700,
    "BLOCKED DRIV/ HWY": 1_400,
    "COLLISION/PRIVATE PROPERTY": 900,
    "AUTO/ PED": 420,
    "ICY ROADWAY": 400,
    "BOAT ACCIDENT": 190,
    "FLEET ACC/ INJURY": 120,
    "TRAFFIC FATALITY": 110,
    "N / HZRD TRFC VIOL": 90,
    "OBSTRUCT HWY": 60,
    "HIGH WATER": 50,
    "COLLISN / FTSRA": 30,
    "FLEET ACC/ FATAL": 10,
}
# Old label -> (label since, from when on): together they are the 18,395 above.
DISCONTINUED: dict[str, tuple[str, str]] = {"zSTALLED VEHICLE": ("Stalled Vehicle", "2021-05-01")}
AGENCIES = ("AUSTIN POLICE", "TRAVIS COUNTY SHERIFF", "AUSTIN FIRE")
# Name, latitude and longitude of its start, how far it runs north and east (degrees), how often something happens there.
STREETS: tuple[tuple[str, float, float, float, float, float], ...] = (
    ("N Ih 35 Svrd Nb", 30.2650, -97.7340, 0.180, 0.065, 10.0),
    ("N Ih 35 Svrd Sb", 30.2652, -97.7352, 0.180, 0.065, 10.0),
    ("N Ih 35 Nb", 30.2651, -97.7345, 0.180, 0.065, 8.0),
    ("S Ih 35 Sb", 30.2600, -97.7370, -0.160, -0.060, 7.0),
    ("S Ih 35 Svrd Nb", 30.2601, -97.7362, -0.160, -0.060, 6.0),
    ("E Us 290 Hwy Svrd Wb", 30.3230, -97.7030, 0.030, 0.170, 5.0),
    ("W Us 290 Hwy", 30.2330, -97.8600, -0.020, -0.110, 5.0),
    ("Research Blvd Svrd Nb", 30.3600, -97.7200, 0.110, -0.080, 6.0),
    ("Research Blvd Sb", 30.3598, -97.7210, 0.110, -0.080, 5.0),
    ("S Mopac Expy Nb", 30.2700, -97.7700, -0.080, -0.060, 5.0),
    ("N Mopac Expy Svrd Sb", 30.2800, -97.7660, 0.140, 0.060, 5.0),
    ("E Sh 71 Svrd Eb", 30.2110, -97.7200, -0.010, 0.150, 4.0),
    ("W Sh 71", 30.2350, -97.8780, 0.080, -0.150, 3.5),
    ("N Lamar Blvd", 30.2710, -97.7530, 0.130, 0.060, 6.0),
    ("S Lamar Blvd", 30.2610, -97.7590, -0.040, -0.040, 4.5),
    ("S Congress Ave", 30.2590, -97.7470, -0.090, -0.030, 4.5),
    ("Burnet Rd", 30.3100, -97.7400, 0.110, 0.030, 4.0),
    ("E Riverside Dr", 30.2480, -97.7400, -0.030, 0.070, 4.5),
    ("W Slaughter Ln", 30.1700, -97.8000, 0.030, -0.110, 4.0),
    ("E William Cannon Dr", 30.1950, -97.7700, -0.020, 0.050, 3.8),
    ("W Ben White Blvd Eb", 30.2280, -97.7650, 0.005, -0.060, 4.0),
    ("E Parmer Ln", 30.4000, -97.6700, -0.050, 0.090, 4.0),
    ("W Braker Ln", 30.3900, -97.6900, 0.020, -0.070, 3.0),
    ("E Oltorf St", 30.2360, -97.7440, -0.010, 0.050, 2.6),
    ("Menchaca Rd", 30.2400, -97.7850, -0.110, -0.050, 2.6),
    ("Springdale Rd", 30.2650, -97.6950, 0.110, 0.050, 2.4),
    ("Manor Rd", 30.2850, -97.7200, 0.040, 0.090, 2.2),
    ("Fm 969 Rd", 30.2800, -97.6400, -0.060, 0.150, 2.6),
    ("N Fm 620 Rd", 30.3900, -97.9000, 0.080, 0.110, 3.0),
    ("Ranch Rd 2222", 30.3500, -97.7700, 0.040, -0.110, 2.6),
    ("N Capital Of Texas Hwy", 30.3300, -97.8000, 0.060, 0.060, 3.4),
    ("N Sh 130 Nb", 30.2500, -97.6200, 0.200, 0.020, 2.4),
    ("S Pleasant Valley Rd", 30.2500, -97.7150, -0.080, -0.020, 2.4),
    ("Cameron Rd", 30.3100, -97.7050, 0.060, 0.030, 2.4),
    ("Dessau Rd", 30.3500, -97.6700, 0.080, 0.020, 2.2),
    ("E 7th St", 30.2680, -97.7400, -0.010, 0.050, 1.8),
    ("W 6th St", 30.2690, -97.7450, 0.010, -0.030, 1.8),
    ("E Cesar Chavez St", 30.2610, -97.7420, -0.010, 0.050, 1.7),
    ("Guadalupe St", 30.2660, -97.7460, 0.070, 0.010, 1.9),
    ("E Martin Luther King Jr Blvd", 30.2800, -97.7370, 0.010, 0.090, 2.0),
    ("Mc Neil Dr", 30.4400, -97.7600, 0.020, 0.080, 1.5),
    ("Wells Branch Pkwy", 30.4400, -97.6900, -0.020, 0.060, 1.5),
    ("Brodie Ln", 30.2350, -97.7950, -0.080, -0.050, 1.6),
    ("Airport Blvd", 30.2600, -97.7000, 0.070, -0.020, 2.4),
    ("Hamilton Pool Rd", 30.3100, -97.9500, 0.010, -0.150, 0.8),
    ("Southwest Pkwy", 30.2450, -97.8200, 0.010, -0.090, 1.3),
    ("Stassney Ln", 30.2100, -97.7900, -0.030, 0.080, 1.8),
    ("Anderson Mill Rd", 30.4500, -97.7900, 0.010, -0.080, 1.2),
    ("Howard Ln", 30.4200, -97.6700, -0.030, 0.080, 1.4),
    ("Bastrop Hwy Sb", 30.2200, -97.6900, -0.060, 0.040, 1.4),
)
