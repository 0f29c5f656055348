/**
 * Abbreviations of the tz database (2025) for the offsets of each zone, in seconds east of UTC; if a zone had several
 * names for an offset, the latest. Zones with numeric abbreviations (`+03`) are omitted, because those follow from the
 * offset. Intl knows the offsets but not these names.
 */
export const ZONE_ABBREVIATIONS = `
: Africa/Casablanca Africa/El_Aaiun America/Araguaina America/Bahia America/Belem America/Boa_Vista America/Campo_Grande America/Cayenne America/Cuiaba America/Eirunepe America/Fortaleza America/Godthab America/Guyana America/Lima America/Maceio America/Manaus America/Noronha America/Nuuk America/Porto_Acre America/Porto_Velho America/Recife America/Rio_Branco America/Santarem America/Sao_Paulo America/Scoresbysund Antarctica/Casey Antarctica/Davis Antarctica/DumontDUrville Antarctica/Mawson Antarctica/Palmer Antarctica/Rothera Antarctica/Syowa Antarctica/Troll Antarctica/Vostok Asia/Aden Asia/Almaty Asia/Anadyr Asia/Aqtau Asia/Aqtobe Asia/Ashgabat Asia/Ashkhabad Asia/Atyrau Asia/Bahrain Asia/Baku Asia/Barnaul Asia/Bishkek Asia/Brunei Asia/Chita Asia/Choibalsan Asia/Dili Asia/Dubai Asia/Dushanbe Asia/Hovd Asia/Kabul Asia/Kamchatka Asia/Kashgar Asia/Kathmandu Asia/Katmandu Asia/Khandyga Asia/Krasnoyarsk Asia/Kuching Asia/Kuwait Asia/Magadan Asia/Muscat Asia/Novokuznetsk Asia/Novosibirsk Asia/Omsk Asia/Oral Asia/Qatar Asia/Qostanay Asia/Qyzylorda Asia/Riyadh Asia/Sakhalin Asia/Samarkand Asia/Srednekolymsk Asia/Tashkent Asia/Thimbu Asia/Thimphu Asia/Tomsk Asia/Ulaanbaatar Asia/Ulan_Bator Asia/Urumqi Asia/Ust-Nera Asia/Vladivostok Asia/Yakutsk Asia/Yerevan Atlantic/Cape_Verde Atlantic/South_Georgia Australia/Eucla Brazil/Acre Brazil/DeNoronha Brazil/East Brazil/West Etc/GMT+1 Etc/GMT+10 Etc/GMT+11 Etc/GMT+12 Etc/GMT+2 Etc/GMT+3 Etc/GMT+4 Etc/GMT+5 Etc/GMT+6 Etc/GMT+7 Etc/GMT+8 Etc/GMT+9 Etc/GMT-1 Etc/GMT-10 Etc/GMT-11 Etc/GMT-12 Etc/GMT-13 Etc/GMT-14 Etc/GMT-2 Etc/GMT-3 Etc/GMT-4 Etc/GMT-5 Etc/GMT-6 Etc/GMT-7 Etc/GMT-8 Etc/GMT-9 Europe/Astrakhan Europe/Samara Europe/Saratov Europe/Ulyanovsk Factory Indian/Chagos Indian/Christmas Indian/Cocos Indian/Kerguelen Indian/Mahe Indian/Mauritius Indian/Reunion Kwajalein NZ-CHAT Pacific/Apia Pacific/Chatham Pacific/Chuuk Pacific/Efate Pacific/Enderbury Pacific/Fakaofo Pacific/Fiji Pacific/Funafuti Pacific/Galapagos Pacific/Gambier Pacific/Guadalcanal Pacific/Kanton Pacific/Kiritimati Pacific/Kosrae Pacific/Kwajalein Pacific/Majuro Pacific/Marquesas Pacific/Nauru Pacific/Niue Pacific/Norfolk Pacific/Noumea Pacific/Palau Pacific/Pitcairn Pacific/Pohnpei Pacific/Ponape Pacific/Rarotonga Pacific/Tahiti Pacific/Tarawa Pacific/Tongatapu Pacific/Wake Pacific/Wallis
ACST+32400 ACST+34200 ACDT+37800: Australia/Adelaide Australia/Darwin Australia/North Australia/South
ACST+32400 ACST+34200 AEST+36000 ACDT+37800: Australia/Broken_Hill Australia/Yancowinna
ADMT+9320 AMT+9332 EAT+10800: Africa/Asmara
ADMT+9320 EAT+10800: Africa/Addis_Ababa
AEST+36000: Australia/LHI Australia/Lord_Howe
AEST+36000 AEDT+39600: Antarctica/Macquarie Australia/ACT Australia/Brisbane Australia/Canberra Australia/Currie Australia/Hobart Australia/Lindeman Australia/Melbourne Australia/NSW Australia/Queensland Australia/Sydney Australia/Tasmania Australia/Victoria
AHST-36000 AKST-32400 AKDT-28800: America/Anchorage US/Alaska
AKST-32400 AKDT-28800: America/Yakutat
AKST-32400 AKDT-28800 PDT-25200: America/Juneau America/Metlakatla America/Sitka
AMT+1172 CET+3600 NST+4772 CEST+7200: Europe/Amsterdam
AMT-13840: America/Asuncion
AST-14400: America/Anguilla America/Aruba America/Curacao America/Dominica America/Grenada America/Guadeloupe America/Miquelon America/Montserrat America/Port_of_Spain America/St_Kitts America/St_Thomas America/Tortola
AST-14400 ADT-10800: America/Barbados America/Glace_Bay America/Halifax America/Thule Canada/Atlantic
AST-14400 APT-10800: America/Blanc-Sablon America/Kralendijk America/Lower_Princes America/Marigot America/Puerto_Rico America/St_Barthelemy America/Virgin
AST-14400 NST-12652 NST-12600 ADT-10800 NDT-9052 NDT-9000 ADDT-7200: America/Goose_Bay
AWST+28800 AWDT+32400: Australia/Perth Australia/West
BMT+10656: Asia/Baghdad
BMT+1786 CET+3600 CEST+7200: Europe/Busingen Europe/Zurich
BMT+24124: Asia/Bangkok
BMT+6264 EET+7200 EEST+10800: Europe/Bucharest
BMT-15558 AST-14400 BST-11958 ADT-10800: Atlantic/Bermuda
BMT-17776: America/Bogota
BMT-3996 GMT+0: Africa/Banjul
BST-39600 BDT-36000 AKST-32400 AKDT-28800: America/Nome
BST-39600 HST-36000 HDT-32400: America/Adak America/Atka US/Aleutian
CAT+7200: Africa/Bujumbura Africa/Harare Africa/Kigali Africa/Lusaka Africa/Maputo
CAT+7200 EAT+10800: Africa/Juba Africa/Khartoum
CAT+7200 ZMT+8460 ZMT+8470: Africa/Blantyre
CET+3600 AMT+5692 EET+7200 EEST+10800: EET Europe/Athens
CET+3600 BMT+6264 CMT+6900 EET+7200 EEST+10800 MSD+14400: Europe/Chisinau Europe/Tiraspol
CET+3600 CEST+7200: Europe/Belgrade Europe/Budapest Europe/Ljubljana Europe/Malta Europe/Oslo Europe/Podgorica Europe/Sarajevo Europe/Skopje Europe/Tirane Europe/Vaduz Europe/Vienna Europe/Zagreb
CET+3600 CEST+7200 CEMT+10800: Arctic/Longyearbyen Atlantic/Jan_Mayen Europe/Berlin
CET+3600 EET+7200: Africa/Tripoli Libya
CET+3600 EET+7200 KMT+7324 EEST+10800 MSD+14400: Europe/Kiev Europe/Kyiv Europe/Uzhgorod Europe/Zaporozhye
CET+3600 EET+7200 MSD+14400: Europe/Kaliningrad
CET+3600 EET+7200 SMT+8160 MSK+10800 MSK+14400: Europe/Simferopol
CET+3600 IMT+7016 EET+7200 EEST+10800: Europe/Sofia
CET+3600 MMT+6600 EET+7200 MSD+14400: Europe/Minsk
CET+3600 RMT+5794 EET+7200 LST+9394 EEST+10800 MSD+14400: Europe/Riga
CET+3600 SET+3614 CEST+7200: Europe/Stockholm
CET+3600 TMT+5940 EET+7200 EEST+10800 MSD+14400: Europe/Tallinn
CET+3600 WMT+5040 CEST+7200 EEST+10800: Europe/Warsaw Poland
CET+3600 WMT+5040 KMT+5736 EET+7200 EEST+10800 MSD+14400: Europe/Vilnius
CMT+3020 CET+3600 CEST+7200: Europe/Copenhagen
CMT-14640 AST-14400: America/St_Lucia
CMT-15408: America/Argentina/Buenos_Aires America/Argentina/Catamarca America/Argentina/ComodRivadavia America/Argentina/Cordoba America/Argentina/Jujuy America/Argentina/La_Rioja America/Argentina/Mendoza America/Argentina/Rio_Gallegos America/Argentina/Salta America/Argentina/San_Juan America/Argentina/San_Luis America/Argentina/Tucuman America/Argentina/Ushuaia America/Buenos_Aires America/Catamarca America/Cordoba America/Jujuy America/Mendoza America/Rosario
CMT-16060: America/Caracas
CMT-16356 BST-12756: America/La_Paz
CMT-19176 EST-18000: America/Coral_Harbour America/Panama EST
CST+28800 CDT+32400: Asia/Chongqing Asia/Chungking Asia/Harbin Asia/Macao Asia/Macau Asia/Shanghai Asia/Taipei PRC ROC
CST-21600 CDT-18000: America/Belize America/Chicago America/El_Salvador America/Guatemala America/Indiana/Knox America/Knox_IN America/Menominee America/Merida America/Rainy_River America/Rankin_Inlet America/Resolute America/Tegucigalpa America/Winnipeg CST6CDT Canada/Central US/Central US/Indiana-Starke
CST-21600 CDT-18000 EDT-14400: America/Indiana/Tell_City
CST-21600 EST-18000: America/Atikokan
CST-21600 EST-18000 EDT-14400: America/Cancun America/Detroit America/Fort_Wayne America/Indiana/Indianapolis America/Indiana/Marengo America/Indiana/Petersburg America/Indiana/Vevay America/Indiana/Vincennes America/Indiana/Winamac America/Indianapolis America/Iqaluit America/Kentucky/Louisville America/Kentucky/Monticello America/Louisville America/Pangnirtung US/East-Indiana US/Michigan
CST-21600 MMT-20712 CDT-18000: America/Managua
CST-21600 SJMT-20173 CDT-18000: America/Costa_Rica
ChST+36000 GDT+39600: Pacific/Guam Pacific/Saipan
DMT-1521 GMT+0 IST+2079 IST+3600: Eire Europe/Dublin
EAT+10800: Africa/Asmera Africa/Dar_es_Salaam Africa/Djibouti Africa/Kampala Africa/Mogadishu Africa/Nairobi Indian/Comoro Indian/Mayotte
EAT+10800 EAST+14400: Indian/Antananarivo
EET+7200: Asia/Amman Asia/Damascus
EET+7200 EEST+10800: Africa/Cairo Asia/Beirut Asia/Famagusta Asia/Gaza Asia/Hebron Asia/Nicosia Egypt Europe/Nicosia
EET+7200 MMT+9017 MMT+9079 MSK+10800 MST+12679 MSK+14400 MDST+16279: Europe/Moscow W-SU
EMT-26248: Chile/EasterIsland Pacific/Easter
EST-18000 AST-14400: America/Antigua
EST-18000 AST-14400 ADT-10800: America/Moncton
EST-18000 EDT-14400: America/Montreal America/Nassau America/New_York America/Nipigon America/Thunder_Bay America/Toronto Canada/Eastern EST5EDT US/Eastern
EST-18000 PPMT-17340 EDT-14400: America/Port-au-Prince
EST-18000 SDMT-16800 AST-14400: America/Santo_Domingo
FFMT-14660 AST-14400 ADT-10800: America/Martinique
FMT-3180 GMT+0: Africa/Freetown
FMT-4056 WET+0 WEST+3600: Atlantic/Madeira
GMT+0: Africa/Abidjan Africa/Accra Africa/Bamako Africa/Bissau Africa/Conakry Africa/Dakar Africa/Lome Africa/Nouakchott Africa/Ouagadougou Africa/Timbuktu America/Danmarkshavn Atlantic/Reykjavik Etc/GMT Etc/GMT+0 Etc/GMT-0 Etc/GMT0 Etc/Greenwich GMT GMT+0 GMT-0 GMT0 Greenwich Iceland
GMT+0 BST+3600 BDST+7200: Europe/Belfast Europe/Guernsey Europe/Isle_of_Man Europe/Jersey Europe/London GB GB-Eire
GMT+0 CET+3600 CEST+7200: Europe/Gibraltar
GMT+0 PMT+3464 CET+3600 CEST+7200: Europe/Bratislava Europe/Prague
GMT+0 WAT+3600: Africa/Lagos Africa/Malabo Africa/Niamey Africa/Porto-Novo Africa/Sao_Tome
HKT+28800 HKWT+30600 HKST+32400: Asia/Hong_Kong Hongkong
HMT+21200: Asia/Dacca Asia/Dhaka
HMT+5989 EET+7200 EEST+10800: Europe/Helsinki Europe/Mariehamn
HMT-19776 CST-18000 CDT-14400: America/Havana Cuba
HMT-6872 WEST+3600: Atlantic/Azores
HST-37800 HST-36000 HPT-34200: HST Pacific/Honolulu Pacific/Johnston US/Hawaii
IMT+25025: Asia/Irkutsk
IMT+7016 EET+7200: Asia/Istanbul Europe/Istanbul Turkey
IST+7200 JMT+8440 IDT+10800 IDDT+14400: Asia/Jerusalem Asia/Tel_Aviv Israel
JMT-1368 GMT+0: Atlantic/St_Helena
JST+32400 JDT+36000: Asia/Tokyo Japan
KMT-14696 AST-14400: America/St_Vincent
KMT-18430 EST-18000: America/Cayman
KMT-18430 EST-18000 EDT-14400: America/Grand_Turk America/Jamaica Jamaica
KST+30600 KST+32400: Asia/Pyongyang
KST+30600 KST+32400 KDT+34200 KDT+36000: Asia/Seoul ROK
LMT-23400 CST-21600 CDT-18000: America/Matamoros
MMT+17640: Indian/Maldives
MMT+19172: Asia/Colombo
MMT+19270 IST+19800 HMT+21200: Asia/Calcutta Asia/Kolkata
MMT+28656 WITA+28800: Asia/Makassar Asia/Ujung_Pandang
MMT-13491: America/Montevideo
MMT-2670 MMT-2588 GMT+0: Africa/Monrovia
MSK+10800: Europe/Volgograd
MSK+10800 MSK+14400: Europe/Kirov
MST-25200 CST-21600: America/Regina America/Swift_Current Canada/Saskatchewan
MST-25200 CST-21600 CDT-18000: America/Bahia_Banderas America/Chihuahua America/Mexico_City America/Monterrey America/North_Dakota/Beulah America/North_Dakota/Center America/North_Dakota/New_Salem America/Ojinaga Mexico/General
MST-25200 MDT-21600: America/Denver America/Edmonton America/Hermosillo America/Mazatlan America/Phoenix America/Shiprock America/Yellowknife Canada/Mountain MST MST7MDT Mexico/BajaSur Navajo US/Arizona US/Mountain
MST-25200 MDT-21600 CDT-18000: America/Ciudad_Juarez
MST-25200 MDT-21600 EST-18000: America/Cambridge_Bay
NST-12652 NST-12600 NDT-9052 NDT-9000 NDDT-5400: America/St_Johns Canada/Newfoundland
NZMT+41400 NZST+43200 NZST+45000 NZDT+46800: Antarctica/South_Pole NZ Pacific/Auckland
NZST+43200 NZDT+46800: Antarctica/McMurdo
PKT+18000 PKST+21600: Asia/Karachi
PLMT+25590: Asia/Ho_Chi_Minh Asia/Phnom_Penh Asia/Saigon Asia/Vientiane
PMMT+35312: Pacific/Bougainville Pacific/Port_Moresby Pacific/Truk Pacific/Yap
PMT+13505: Asia/Yekaterinburg
PMT+561 CET+3600 CEST+7200: Africa/Tunis
PMT-13252 PMT-13236: America/Paramaribo
PST+28800 PDT+32400: Asia/Manila
PST-28800 MST-25200: America/Creston America/Dawson_Creek America/Fort_Nelson
PST-28800 MST-25200 MDT-21600: America/Boise America/Inuvik
PST-28800 PDT-25200: America/Ensenada America/Los_Angeles America/Santa_Isabel America/Tijuana America/Vancouver Canada/Pacific Mexico/BajaNorte PST8PDT US/Pacific
QMT-18840: America/Guayaquil
RMT+23087: Asia/Rangoon Asia/Yangon
RMT+2996 CET+3600 CEST+7200: Europe/Rome Europe/San_Marino Europe/Vatican
SAST+5400 CAT+7200 CAST+10800: Africa/Gaborone
SAST+5400 SAST+7200 SAST+10800: Africa/Johannesburg
SAST+7200: Africa/Mbabane
SAST+7200 SAST+10800: Africa/Maseru
SMT+24925: Asia/Kuala_Lumpur Asia/Singapore Singapore
SMT-13884: Atlantic/Stanley
SMT-16965: America/Coyhaique America/Punta_Arenas America/Santiago Chile/Continental
SST-39600: Pacific/Midway Pacific/Pago_Pago Pacific/Samoa US/Samoa
TBMT+10751: Asia/Tbilisi
TMT+12344: Asia/Tehran Iran
UTC+0: Etc/UCT Etc/UTC Etc/Universal Etc/Zulu UCT UTC Universal Zulu
WAT+3600: Africa/Bangui Africa/Brazzaville Africa/Douala Africa/Kinshasa Africa/Libreville Africa/Luanda
WAT+3600 CAT+7200: Africa/Lubumbashi
WAT+3600 CAT+7200 SAST+10800: Africa/Windhoek
WAT+3600 WAST+7200: Africa/Ndjamena
WET+0 BMT+1050 CET+3600 CEST+7200: CET Europe/Brussels MET
WET+0 CET+3600 CEST+7200: Africa/Ceuta Europe/Andorra Europe/Luxembourg Europe/Madrid
WET+0 PMT+561 CET+3600 CEST+7200: Africa/Algiers Europe/Monaco Europe/Paris
WET+0 WEST+3600: Atlantic/Canary Atlantic/Faeroe Atlantic/Faroe
WET+0 WEST+3600 CEST+7200: Europe/Lisbon Portugal WET
WIB+25200 BMT+25632: Asia/Jakarta
WIB+25200 PMT+26240 WITA+28800: Asia/Pontianak
WIT+32400: Asia/Jayapura
YST-32400 PST-28800 MST-25200: America/Dawson America/Whitehorse Canada/Yukon
`
